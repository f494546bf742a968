using System.Net;
using System.Net.Sockets;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>CNCF Distribution as Debian packages it, on a loopback port, trusting the tokens of an <see cref="Installation"/>.</summary>
internal sealed class ImageRegistry : IDisposable
{
    private readonly string _folder;
    private RunningProgram? _program;

    /// <summary>Chooses a port; the server must know it before the registry can start.</summary>
    public ImageRegistry()
    {
        _folder = Directory.CreateTempSubdirectory("updraft-e2e-registry-").FullName;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Host = $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
    }

    /// <summary>The registry's program; <c>packaging/registry</c> finds or fetches it.</summary>
    private static string Program => Environment.GetEnvironmentVariable("UPDRAFT_REGISTRY_BIN") is { Length: > 0 } path ? path : "docker-registry";

    /// <summary>Host and port.</summary>
    public string Host { get; }

    /// <summary>Starts it with the settings that docs/images.md shows.</summary>
    public async Task StartAsync(Installation installation)
    {
        var settings = Path.Join(_folder, "config.yml");
        await File.WriteAllTextAsync(settings, $"""
            version: 0.1
            storage:
              filesystem:
                rootdirectory: {Path.Join(_folder, "images")}
            http:
              addr: {Host}
            auth:
              token:
                realm: {installation.Address.OriginalString}/registry/token
                service: updraft-registry
                issuer: updraft
                rootcertbundle: {installation.RegistryCertificate}
            """, TestContext.Current.CancellationToken);
        _program = new RunningProgram(Program, ["serve", settings]);
        using var http = new HttpClient();
        await Eventually.TrueAsync(async () =>
        {
            Assert.False(_program.HasExited, _program.Output);
            try
            {
                using var response = await http.GetAsync(new Uri($"http://{Host}/v2/"), TestContext.Current.CancellationToken);
                return response.StatusCode == HttpStatusCode.Unauthorized;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, "the registry asks for a token", () => _program.Output);
    }

    public void Dispose()
    {
        _program?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
