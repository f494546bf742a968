using System.Net;

namespace Updraft.Bench;

/// <summary>nginx on a loopback port, serving the files of a folder: a worker for each core, no log of requests.</summary>
internal sealed class Nginx : IDisposable
{
    private readonly string _folder;
    private readonly ChildProcess _program;

    private Nginx(BenchOptions options, string files)
    {
        _folder = options.NewFolder("nginx");
        Directory.CreateDirectory(Path.Join(_folder, "logs"));
        var port = LoopbackPort.Lease();
        Address = new Uri($"http://127.0.0.1:{port}");
        File.WriteAllText(Path.Join(_folder, "nginx.conf"), $$"""
            daemon off;
            {{(Environment.IsPrivilegedProcess ? "user root root;" : "")}}
            worker_processes auto;
            pid nginx.pid;
            error_log stderr;
            events { worker_connections 1024; }
            http {
              access_log off;
              sendfile on;
              tcp_nopush on;
              open_file_cache max=100 inactive=60s;
              keepalive_requests 1000000000;
              client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
              server { listen 127.0.0.1:{{port}}; root "{{files}}"; default_type application/json; }
            }
            """);
        _program = new ChildProcess([options.Nginx, "-p", _folder, "-c", "nginx.conf", "-e", "stderr"]);
    }

    public Uri Address { get; }

    public static async Task<Nginx> StartAsync(BenchOptions options, string files)
    {
        var nginx = new Nginx(options, files);
        using var http = new HttpClient();
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                using var answer = await http.GetAsync(nginx.Address);
                if (answer.StatusCode != HttpStatusCode.BadGateway)
                    return nginx;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            if (nginx._program.HasExited || attempt > 1000)
                throw new BenchException("nginx does not start.\n" + nginx._program.Output);
            await Task.Delay(5);
        }
    }

    /// <summary>The master ends its workers when it is asked to end.</summary>
    public void Dispose()
    {
        _program.StopAsync().GetAwaiter().GetResult();
        _program.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
