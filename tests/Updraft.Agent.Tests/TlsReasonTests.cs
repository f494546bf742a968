using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>The log has the innermost reason of a failed connection, and the next step.</summary>
public sealed class TlsReasonTests : IAsyncDisposable
{
    private readonly TestAgent _agent = new();
    private readonly AgentProgram _program = new();

    public ValueTask DisposeAsync() => _agent.DisposeAsync();

    [Fact]
    public async Task Untrusted_certificate_is_named()
    {
        await using var server = await ServeAsync("localhost", expires: 1);

        Assert.Contains("No trusted authority issued the certificate", await ReasonAsync(server, "localhost"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Certificate_of_another_host_is_named()
    {
        await using var server = await ServeAsync("elsewhere.example", expires: 1, isTrusted: true);

        Assert.Contains("for another host name", await ReasonAsync(server, "localhost"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Expired_certificate_is_named()
    {
        await using var server = await ServeAsync("localhost", expires: -1, isTrusted: true);

        Assert.Contains("has expired", await ReasonAsync(server, "localhost"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plain_server_on_an_https_URL_is_named()
    {
        await using var server = await StandInServer.StartAsync();

        Assert.Contains("does not speak TLS", await ReasonAsync($"https://127.0.0.1:{server.Address.Port}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_host_is_named() =>
        Assert.Contains("cannot be resolved", await ReasonAsync("http://updraft.invalid"), StringComparison.Ordinal);

    [Fact]
    public async Task Refused_connection_is_named()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();

        Assert.Contains("Connection refused", await ReasonAsync($"http://127.0.0.1:{port}"), StringComparison.Ordinal);
    }

    [Fact]
    public void Reason_of_a_nested_exception_contains_the_innermost_message()
    {
        var nested = new HttpRequestException("An error occurred while sending the request.", new IOException("The pipe broke."));

        Assert.Equal("An error occurred while sending the request: The pipe broke.", ErrorReason.Of(nested));
        Assert.Equal("The pipe broke.", ErrorReason.Of(new IOException("See inner exception.", new IOException("The pipe broke."))));
        Assert.Equal("Too slow.", ErrorReason.Of(new TimeoutException("Too slow.", new OperationCanceledException())));
    }

    private Task<string> ReasonAsync(WebApplication server, string host) =>
        ReasonAsync($"https://{host}:{new Uri(server.Urls.Single()).Port}");

    private async Task<string> ReasonAsync(string server)
    {
        var (exit, log) = await _program.RunAsync("--server", server, "--root", _agent.Root, "--once", "--once-timeout", "3");
        Assert.True(exit == ExitCode.TimedOut, log);
        return log;
    }

    private async Task<WebApplication> ServeAsync(string name, int expires, bool isTrusted = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var created = request.CreateSelfSigned(now.AddDays(-10), now.AddDays(expires));
        var certificate = X509CertificateLoader.LoadPkcs12(created.Export(X509ContentType.Pkcs12), null);
        if (isTrusted)
        {
            var file = Path.Join(_agent.Root, "authority.pem");
            await File.WriteAllTextAsync(file, certificate.ExportCertificatePem(), TestContext.Current.CancellationToken);
            _program.Environment["SSL_CERT_FILE"] = file;
        }
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var app = builder.Build();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }
}
