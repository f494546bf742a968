using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Updraft.Server.Tests.Images;

/// <summary>Rejections of the server in front of the registry, and errors of the registry. The registry is a stand-in.</summary>
[Trait("Database", "any")]
public sealed class RegistryErrorTests(RegistryProxyTests.ProxyingServer shared) : IClassFixture<RegistryProxyTests.ProxyingServer>
{
    private const string Digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private const string Errors = """{"errors":[{"code":""";

    private UpdraftServer Server => shared.Server;

    private StandInUpstream Registry => shared.Registry;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("manifests/deploy-1", "GET, HEAD, PUT")]
    [InlineData("manifests/" + Digest, "GET, HEAD, PUT")]
    [InlineData("blobs/" + Digest, "GET, HEAD")]
    [InlineData("blobs/uploads/0b6cc2a5-8c0e-4d3b-9a57-000000000001", "GET, HEAD, PUT, PATCH")]
    public async Task Deletion_is_rejected_with_405_and_a_reason(string path, string allowed)
    {
        Registry.Begin(context =>
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = "Bearer scope=\"repository:org/dep:delete\",error=\"insufficient_scope\"";
            return Task.CompletedTask;
        });

        var response = await RegistryProxyTests.SendAsync(Server, $"DELETE /v2/org/dep/{path} HTTP/1.1", "Authorization: Bearer abc");

        Assert.StartsWith("HTTP/1.1 405 ", response, StringComparison.Ordinal);
        Assert.Contains($"\r\nAllow: {allowed}\r\n", response, StringComparison.Ordinal);
        Assert.Contains(Errors + "\"UNSUPPORTED\",\"message\":\"Clients cannot delete", response, StringComparison.Ordinal);
        Assert.DoesNotContain("WWW-Authenticate", response, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(Registry.Seen);
    }

    [Fact]
    public async Task Catalog_is_rejected_with_its_own_reason()
    {
        var response = await RegistryProxyTests.SendAsync(Server, "GET /v2/_catalog?n=10 HTTP/1.1", "Authorization: Bearer abc");
        Assert.Contains(Errors + "\"UNSUPPORTED\",\"message\":\"The registry has no list of all repositories", response,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(416, "RANGE_INVALID")]
    [InlineData(404, "UNKNOWN")]
    [InlineData(500, "UNKNOWN")]
    public async Task Error_shorter_than_its_length_keeps_its_status(int status, string code)
    {
        using var registry = new TcpListener(IPAddress.Loopback, 0);
        registry.Start();
        var responses = RespondAsync();
        await using var server = await RegistryProxyTests.StartAsync($"http://{registry.LocalEndpoint}");

        for (var i = 0; i < 3; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/v2/org/dep/blobs/{Digest}");
            request.Headers.TryAddWithoutValidation("Range", "bytes=9000-9001");
            using var response = await server.Anonymous.SendAsync(request, Cancelled);
            Assert.Equal(status, (int)response.StatusCode);
            Assert.Contains($"\"code\":\"{code}\"", await response.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
            Assert.Equal(Digest, Assert.Single(response.Headers.GetValues("Docker-Content-Digest")));
        }
        await responses;

        // Kestrel cannot send fewer bytes than the length.
        async Task RespondAsync()
        {
            for (var i = 0; i < 3; i++)
            {
                using var client = await registry.AcceptTcpClientAsync(Cancelled);
                await using var stream = client.GetStream();
                var head = "";
                while (!head.Contains("\r\n\r\n", StringComparison.Ordinal))
                {
                    var buffer = new byte[4096];
                    head += Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer, Cancelled));
                }
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status} Failed\r\nContent-Length: 5000\r\n"
                    + $"Content-Type: text/plain\r\nDocker-Content-Digest: {Digest}\r\n\r\ninvalid range: failed to overlap\n"), Cancelled);
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Complete_error_of_the_registry_arrives_unchanged(bool isChunked)
    {
        var text = Errors + "\"RANGE_INVALID\",\"detail\":\"" + new string('x', 20_000) + "\"}]}";
        Registry.Begin(async context =>
        {
            context.Response.StatusCode = 416;
            context.Response.Headers.Range = "0-99";
            context.Response.Headers.Location = "/v2/org/dep/blobs/uploads/1";
            context.Response.ContentType = "application/json";
            if (!isChunked)
                context.Response.ContentLength = text.Length;
            await context.Response.WriteAsync(text, Cancelled);
        });

        using var response = await Server.Anonymous.PatchAsync("/v2/org/dep/blobs/uploads/1", new StringContent("abc"), Cancelled);

        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, response.StatusCode);
        Assert.Equal(text, await response.Content.ReadAsStringAsync(Cancelled));
        Assert.Equal(("0-99", "/v2/org/dep/blobs/uploads/1"),
            (Assert.Single(response.Headers.GetValues("Range")), response.Headers.Location!.OriginalString));
    }
}
