using System.Net;

namespace Updraft.Testing;

/// <summary>CNCF Distribution on a loopback port, with images in a directory of its own. It trusts the tokens of one server.</summary>
internal sealed class RegistryProcess : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("updraft-registry-").FullName;
    private ChildProcess? _process;

    /// <summary>Host and port; the server must know them before the registry starts.</summary>
    public string Host { get; } = $"127.0.0.1:{LoopbackPort.Lease()}";

    /// <summary>The registry's program; <c>packaging/registry</c> finds it.</summary>
    private static string Program => Environment.GetEnvironmentVariable("UPDRAFT_REGISTRY_BIN") is { Length: > 0 } path ? path : "docker-registry";

    /// <summary>Starts it with the configuration that is shipped; after <see cref="Stop"/>, with the same images.</summary>
    /// <param name="server">URL of the server.</param>
    /// <param name="certificate">Path of the certificate of the server's tokens.</param>
    /// <param name="settings">Further settings as environment variables.</param>
    public async Task StartAsync(Uri server, string certificate, IReadOnlyDictionary<string, string>? settings = null)
    {
        var environment = new Dictionary<string, string>(settings ?? new Dictionary<string, string>(StringComparer.Ordinal), StringComparer.Ordinal)
        {
            ["REGISTRY_HTTP_ADDR"] = Host,
            ["REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"] = Path.Join(_folder, "images"),
            ["REGISTRY_AUTH_TOKEN_REALM"] = new Uri(server, "/registry/token").AbsoluteUri,
            ["REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE"] = certificate,
        };
        var process = _process = new ChildProcess([Program, "serve", Programs.InCheckout("packaging/registry-config.yml")], environment);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await Eventually.TrueAsync(async () =>
        {
            Assert.False(process.HasExited, process.Output);
            try
            {
                using var response = await http.GetAsync(new Uri($"http://{Host}/v2/"), TestContext.Current.CancellationToken);
                return response.StatusCode == HttpStatusCode.Unauthorized;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, "the registry requires a token", () => process.Output);
    }

    public void Stop()
    {
        _process?.Dispose();
        _process = null;
    }

    public void Dispose()
    {
        Stop();
        Directory.Delete(_folder, recursive: true);
    }
}
