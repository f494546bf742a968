using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Updraft.Server.Tests.Support;

namespace Updraft.Server.Tests.Images;

/// <summary>CNCF Distribution on a free loopback port, in a folder of its own; it trusts the tokens of one server.</summary>
internal sealed class RealRegistry : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("updraft-test-registry-").FullName;
    private readonly StringBuilder _output = new();
    private Process? _process;

    /// <summary>Chooses a port; the server must know it before the registry can start.</summary>
    public RealRegistry()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Host = $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
    }

    /// <summary>The registry's program; <c>packaging/registry</c> finds or fetches it.</summary>
    private static string Program => Environment.GetEnvironmentVariable("UPDRAFT_REGISTRY_BIN") is { Length: > 0 } path ? path : "docker-registry";

    /// <summary>Host and port.</summary>
    public string Host { get; }

    /// <summary>Settings of a server that uses it.</summary>
    public Dictionary<string, string> Settings(params (string Name, string Value)[] more) =>
        new([KeyValuePair.Create("Registry", Host), KeyValuePair.Create("Images:RegistryUrl", $"http://{Host}"),
            .. more.Select(setting => KeyValuePair.Create(setting.Name, setting.Value))]);

    /// <summary>Starts it with the settings that docs/how-to/use-image-registry.md shows, or again after <see cref="Stop"/>: same images.</summary>
    public async Task StartAsync(UpdraftServer server, bool deletes = true)
    {
        var settings = Path.Join(_folder, "config.yml");
        await File.WriteAllTextAsync(settings, $"""
            version: 0.1
            storage:
              filesystem:
                rootdirectory: {Path.Join(_folder, "images")}
              delete:
                enabled: {(deletes ? "true" : "false")}
            http:
              addr: {Host}
            auth:
              token:
                realm: {server.BaseAddress}registry/token
                service: updraft-registry
                issuer: updraft
                rootcertbundle: {Path.Join(server.DataDirectory, "registry", "token-certificate.pem")}
            """, TestContext.Current.CancellationToken);
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(Program, ["serve", settings])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        _process.OutputDataReceived += Note;
        _process.ErrorDataReceived += Note;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        using var http = new HttpClient();
        await Poll.UntilAsync(async () =>
        {
            Assert.False(_process.HasExited, Output);
            try
            {
                using var response = await http.GetAsync(new Uri($"http://{Host}/v2/"), TestContext.Current.CancellationToken);
                return response.StatusCode == HttpStatusCode.Unauthorized;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
    }

    // The process's threads write to it meanwhile.
    private string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    public void Stop()
    {
        if (_process is not { } process)
            return;
        _process = null;
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    public ValueTask DisposeAsync()
    {
        Stop();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private void Note(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
            _output.AppendLine(line.Data);
    }
}
