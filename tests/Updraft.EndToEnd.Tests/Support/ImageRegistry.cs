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

    /// <summary>Starts it with the settings that are shipped, and what differs from machine to machine in the environment.</summary>
    public async Task StartAsync(Installation installation)
    {
        _program = new RunningProgram(Program, ["serve", Programs.InCheckout("packaging/registry-config.yml")], new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["REGISTRY_HTTP_ADDR"] = Host,
            ["REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"] = Path.Join(_folder, "images"),
            ["REGISTRY_AUTH_TOKEN_REALM"] = $"{installation.Address.OriginalString}/registry/token",
            ["REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE"] = installation.RegistryCertificate,
        });
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
