using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Updraft.Server.Tests.Images;

/// <summary>The requests and responses that pass between clients and the registry. The registry is a stand-in.</summary>
[Trait("Database", "any")]
public sealed class RegistryProxyTests(RegistryProxyTests.ProxyingServer shared) : IClassFixture<RegistryProxyTests.ProxyingServer>
{
    private const string Digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private const string Errors = """{"errors":[{"code":""";

    private UpdraftServer Server => shared.Server;

    private StandInUpstream Registry => shared.Registry;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET", "/v2/")]
    [InlineData("HEAD", "/v2/org/dep/manifests/deploy-2026-11-24T10-00-00")]
    [InlineData("GET", "/v2/org/dep/manifests/" + Digest)]
    [InlineData("PUT", "/v2/org/dep/manifests/v1.0_x")]
    [InlineData("GET", "/v2/org/dep/blobs/" + Digest)]
    [InlineData("POST", "/v2/org/dep/blobs/uploads/?mount=" + Digest + "&from=org%2Fother")]
    [InlineData("GET", "/v2/org/dep/blobs/uploads/0b6cc2a5-8c0e-4d3b-9a57-000000000001?_state=a-b_c%3D%3D")]
    [InlineData("PATCH", "/v2/org/dep/blobs/uploads/0b6cc2a5-8c0e-4d3b-9a57-000000000001?_state=a-b_c%3D%3D")]
    [InlineData("PUT", "/v2/org/dep/blobs/uploads/0b6cc2a5-8c0e-4d3b-9a57-000000000001?_state=x&digest=sha256%3Aabc")]
    [InlineData("GET", "/v2/org/dep/tags/list?n=10&last=a")]
    [InlineData("GET", "/v2/org/dep/referrers/" + Digest + "?artifactType=x")]
    public async Task Distribution_API_requests_arrive_unchanged(string method, string target)
    {
        Registry.Begin();

        var response = await SendAsync(Server, $"{method} {target} HTTP/1.1", "Content-Length: 0");

        Assert.StartsWith("HTTP/1.1 200 ", response, StringComparison.Ordinal);
        var seen = Assert.Single(Registry.Seen);
        Assert.Equal((method, target), (seen.Method, seen.Target));
    }

    [Theory]
    [InlineData("GET", "/v2/_catalog")]
    [InlineData("GET", "/v2/_catalog?n=100")]
    [InlineData("GET", "/v2")]
    [InlineData("GET", "/V2/")]
    [InlineData("POST", "/v2/")]
    [InlineData("OPTIONS", "/v2/")]
    [InlineData("TRACE", "/v2/")]
    [InlineData("BREW", "/v2/org/dep/manifests/x")]
    [InlineData("get", "/v2/")]
    [InlineData("POST", "/v2/org/dep/manifests/x")]
    [InlineData("PATCH", "/v2/org/dep/manifests/x")]
    [InlineData("PUT", "/v2/org/dep/blobs/" + Digest)]
    [InlineData("DELETE", "/v2/org/dep/tags/list")]
    [InlineData("GET", "/v2/org/manifests/x")]
    [InlineData("GET", "/v2/a/org/dep/manifests/x")]
    [InlineData("GET", "/v2/ORG/dep/manifests/x")]
    [InlineData("GET", "/v2/org/dep")]
    [InlineData("GET", "/v2/org/dep/manifests/x/")]
    [InlineData("GET", "/v2/org/dep/manifests/.x")]
    [InlineData("GET", "/v2//org/dep/manifests/x")]
    [InlineData("GET", "//v2/org/dep/manifests/x")]
    [InlineData("GET", "/v2/org/dep//manifests/x")]
    [InlineData("GET", "/v2/..")]
    [InlineData("GET", "/v2/../debug/vars")]
    [InlineData("GET", "/v2/%2e%2e/debug/vars")]
    [InlineData("GET", "/v2/%2E./debug/vars")]
    [InlineData("GET", "/v2/..%2fdebug%2fvars")]
    [InlineData("GET", "/v2/%252e%252e/debug/vars")]
    [InlineData("GET", "/v2/org/dep/manifests/..")]
    [InlineData("GET", "/v2/org/dep/manifests/%2e%2e")]
    [InlineData("GET", "/v2/org/dep/manifests/%2e%2e%2f%2e%2e%2fblobs")]
    [InlineData("GET", "/v2/org/dep/manifests/x%2f..%2f..%2f..%2fdebug")]
    [InlineData("GET", "/v2/org/dep/manifests/x%3fy")]
    [InlineData("GET", "/v2/org/dep/manifests/x%23y")]
    [InlineData("GET", "/v2/org/dep/manifests/x%0d%0aX-Evil:%201")]
    [InlineData("GET", "/v2/org/dep/manifests/x%0a")]
    [InlineData("GET", "/v2/org/dep/manifests/x%00")]
    [InlineData("GET", "/v2/org/dep/manifests/x%5c..")]
    [InlineData("GET", @"/v2/org\dep/manifests/x")]
    [InlineData("GET", "/v2/org/dep/manifests/%ef%bd%81")]
    [InlineData("GET", "/v2/org/dep/manifests/x;y")]
    [InlineData("GET", "/v2/org/dep/manifests/x%20HTTP/1.1")]
    [InlineData("GET", "/v2/@127.0.0.1:1/dep/manifests/x")]
    [InlineData("PATCH", "/v2/org/dep/blobs/uploads/..")]
    [InlineData("PATCH", "/v2/org/dep/blobs/uploads/%2e%2e")]
    [InlineData("POST", "/v2/org/dep/blobs/uploads")]
    [InlineData("GET", "/v2/org/dep/blobs/uploads/")]
    [InlineData("PATCH", "/v2/org/dep/blobs/" + Digest)]
    public async Task Other_requests_do_not_reach_the_registry(string method, string target)
    {
        Registry.Begin();

        var response = await SendAsync(Server, $"{method} {target} HTTP/1.1", "Content-Length: 0");

        // A path that resolves to / redirects to the web UI.
        Assert.Matches(target == "/v2/.." ? @"\AHTTP/1\.1 302 " : @"\AHTTP/1\.1 4\d\d ", response);
        Assert.Empty(Registry.Seen);
        if (response.StartsWith("HTTP/1.1 404 ", StringComparison.Ordinal) && target.StartsWith("/v2/org", StringComparison.Ordinal))
            Assert.Contains(Errors + "\"UNSUPPORTED\"", response, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dot_segments_are_resolved_before_the_check()
    {
        Registry.Begin();

        await SendAsync(Server, "GET /v2/org/../org/dep/manifests/%78 HTTP/1.1");
        await SendAsync(Server, $"GET http://{Server.BaseAddress.Authority}/v2/ HTTP/1.1");

        Assert.Equal(["/v2/org/dep/manifests/x", "/v2/"], Registry.Seen.Select(request => request.Target));
    }

    [Fact]
    public async Task Forwarded_headers_name_the_public_URL_of_the_server()
    {
        Registry.Begin();
        await using var server = await StartAsync(Registry.Url, ("PublicUrl", "https://updraft.example.org/base"));

        await SendAsync(server, "GET /v2/ HTTP/1.1", "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: gopher",
            "X-Forwarded-Host: evil.example",
            "X-Forwarded-Port: 1", "X-Forwarded-Prefix: /evil", "Forwarded: for=203.0.113.7;host=evil.example", "X-Real-IP: 203.0.113.7",
            "X-Original-URL: /v2/_catalog", "X-HTTP-Method-Override: DELETE");

        var headers = Assert.Single(Registry.Seen).Headers;
        Assert.Equal(
            ["Host: updraft.example.org", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: updraft.example.org",
                "X-Forwarded-Proto: https"],
            headers.Select(header => $"{header.Key}: {header.Value}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Only_headers_of_the_Distribution_API_are_forwarded()
    {
        Registry.Begin();

        await SendAsync(Server, "PATCH /v2/org/dep/blobs/uploads/1 HTTP/1.1", "Authorization: Bearer abc", "Accept: a/b, c/d",
            "Accept: e/f",
            "Range: bytes=0-1", "Content-Range: 0-2", "Content-Type: application/octet-stream", "User-Agent: test/1", "Content-Length: 3",
            "Cookie: session=secret", "Connection: X-Hop, close", "X-Hop: 1", "Keep-Alive: 5", "Proxy-Authorization: Basic eA==",
            "TE: trailers",
            "Proxy-Connection: keep-alive", "X-Other: 1", "", "abc");

        var headers = Assert.Single(Registry.Seen).Headers;
        Assert.Equal(("Bearer abc", "bytes=0-1", "0-2", "application/octet-stream", "test/1", "3"),
            (headers["Authorization"], headers["Range"],
            headers["Content-Range"], headers["Content-Type"], headers["User-Agent"], headers["Content-Length"]));
        Assert.Equal("a/b, c/d, e/f", headers["Accept"].Replace(",", ", ", StringComparison.Ordinal)
            .Replace("  ", " ", StringComparison.Ordinal));
        Assert.Equal([], headers.Keys.Except(["Authorization", "Accept", "Range", "Content-Range", "Content-Type", "User-Agent",
            "Content-Length",
            "Host", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"], StringComparer.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("websocket")]
    [InlineData("h2c")]
    [InlineData("SPDY/3.1")]
    public async Task Protocol_upgrade_is_not_forwarded(string protocol)
    {
        Registry.Begin();

        var response = await SendAsync(Server, "GET /v2/ HTTP/1.1", "Connection: Upgrade, close", $"Upgrade: {protocol}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "HTTP2-Settings: AAMAAABkAAQAAP__");

        Assert.StartsWith("HTTP/1.1 200 ", response, StringComparison.Ordinal);
        var headers = Assert.Single(Registry.Seen).Headers;
        Assert.False(headers.ContainsKey("Upgrade") || headers.ContainsKey("Connection") || headers.ContainsKey("Sec-WebSocket-Key"));
    }

    [Fact]
    public async Task Body_with_length_and_chunks_arrives_as_one_body()
    {
        Registry.Begin(async context => await context.Request.Body.CopyToAsync(context.Response.Body, Cancelled));

        var response = await SendAsync(Server, "PATCH /v2/org/dep/blobs/uploads/1 HTTP/1.1", "Content-Length: 6",
            "Transfer-Encoding: chunked", "",
            "3\r\nabc\r\n0\r\n\r\nGET /v2/_catalog HTTP/1.1\r\nHost: x\r\n\r\n");

        Assert.DoesNotContain(Registry.Seen, request => request.Target != "/v2/org/dep/blobs/uploads/1"
            || request.Headers.ContainsKey("Content-Length"));
        Assert.DoesNotContain("_catalog HTTP", response, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Response_of_the_registry_arrives_unchanged()
    {
        Registry.Begin(async context =>
        {
            var headers = context.Response.Headers;
            context.Response.StatusCode = 401;
            headers["Docker-Distribution-Api-Version"] = "registry/2.0";
            headers["Docker-Content-Digest"] = Digest;
            headers.Location = "https://updraft.example.org/v2/org/dep/blobs/uploads/1?_state=x";
            headers.ETag = "\"e\"";
            headers.SetCookie = "session=evil";
            headers.ContentType = "application/json";
            await context.Response.WriteAsync("""{"errors":[{"code":"UNAUTHORIZED","message":"m","detail":[{"Name":"org/dep"}]}]}""", Cancelled);
        });

        using var response = await Server.Anonymous.GetAsync("/v2/", Cancelled);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("""{"errors":[{"code":"UNAUTHORIZED","message":"m","detail":[{"Name":"org/dep"}]}]}""",
            await response.Content.ReadAsStringAsync(Cancelled));
        Assert.Equal("https://updraft.example.org/v2/org/dep/blobs/uploads/1?_state=x", response.Headers.Location!.OriginalString);
        Assert.Equal((Digest, "\"e\""), (response.Headers.GetValues("Docker-Content-Digest").Single(), response.Headers.ETag!.Tag));
        Assert.False(response.Headers.Contains("Set-Cookie"));
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Contains("sandbox", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Bearer realm=\"https://x.example/token\",service=\"s\",scope=\"repository:org/dep:pull\",error=\"invalid_token\"",
        "service=\"s\",scope=\"repository:org/dep:pull\",error=\"invalid_token\"")]
    [InlineData("Bearer service=\"s\", Realm = https://x.example/token", "service=\"s\"")]
    [InlineData("Bearer scope=\"a\", Bearer realm=\"https://x.example\"", "scope=\"a\"")]
    [InlineData("Basic realm=\"https://x.example\"", null)]
    [InlineData("Bearer scope=\"a", null)]
    [InlineData("Bearer", null)]
    public async Task Challenge_names_the_token_service_of_this_server(string queried, string? kept)
    {
        Registry.Begin(context =>
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = queried;
            return Task.CompletedTask;
        });

        var response = await SendAsync(Server, "GET /v2/ HTTP/1.1");

        Assert.Contains($"\r\nWWW-Authenticate: Bearer "
            + $"realm=\"{Server.BaseAddress}registry/token\"{(kept is null ? "" : "," + kept)}\r\n", response, StringComparison.Ordinal);
        Assert.DoesNotContain("x.example", response, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Basic Y2xpOnRva2Vu")]
    [InlineData("Bearer a\r\nAuthorization: Bearer b")]
    public async Task Password_is_not_forwarded_to_the_registry(string authorization)
    {
        Registry.Begin();
        await SendAsync(Server, "GET /v2/ HTTP/1.1", $"Authorization: {authorization}");
        Assert.False(Assert.Single(Registry.Seen).Headers.ContainsKey("Authorization"));
    }

    [Theory]
    [InlineData("GET", 404)]
    [InlineData("HEAD", 404)]
    [InlineData("GET", 429)]
    [InlineData("GET", 500)]
    [InlineData("GET", 405)]
    [InlineData("GET", 307)]
    public async Task Error_or_redirect_without_a_body_gets_no_body(string method, int status)
    {
        Registry.Begin(context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = "https://bucket.example/layer";
            return Task.CompletedTask;
        });

        var response = await SendAsync(Server, $"{method} /v2/org/dep/blobs/{Digest} HTTP/1.1");

        Assert.StartsWith($"HTTP/1.1 {status} ", response, StringComparison.Ordinal);
        Assert.Contains("Location: https://bucket.example/layer\r\n", response, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", response, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unreachable_registry_is_502_in_the_shape_of_the_registry()
    {
        string url;
        await using (var registry = await StandInUpstream.StartAsync())
            url = registry.Url;
        await using var server = await StartAsync(url);

        var response = await SendAsync(server, "GET /v2/ HTTP/1.1");

        Assert.StartsWith("HTTP/1.1 502 ", response, StringComparison.Ordinal);
        Assert.Contains(Errors + "\"UNAVAILABLE\",\"message\":\"The server lost the connection to the image registry", response,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lost_registry_connection_is_502_or_a_truncated_response()
    {
        var isRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Registry.Begin(async context =>
        {
            if (context.Request.Path.Value!.Contains("blobs", StringComparison.Ordinal))
            {
                context.Response.ContentLength = 100;
                await context.Response.WriteAsync("half", Cancelled);
                await context.Response.Body.FlushAsync(Cancelled);
                await isRead.Task;
            }
            context.Abort();
        });

        Assert.Contains(Errors + "\"UNAVAILABLE\"", await SendAsync(Server, "GET /v2/ HTTP/1.1"), StringComparison.Ordinal);
        using var half = await Server.Anonymous.GetAsync($"/v2/org/dep/blobs/{Digest}", HttpCompletionOption.ResponseHeadersRead,
            Cancelled);
        isRead.SetResult();
        Assert.Equal(HttpStatusCode.OK, half.StatusCode);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => half.Content.ReadAsByteArrayAsync(Cancelled));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Bodies_of_any_length_pass_in_both_directions(bool isChunked)
    {
        // More than the limit of all other routes.
        var body = new byte[40_000_000];
        new Random(1).NextBytes(body);
        Registry.Begin(async context =>
        {
            using var copy = new MemoryStream();
            await context.Request.Body.CopyToAsync(copy, Cancelled);
            await context.Response.Body.WriteAsync(copy.GetBuffer().AsMemory(0, (int)copy.Length), Cancelled);
        });

        using var request = new HttpRequestMessage(HttpMethod.Patch,
            "/v2/org/dep/blobs/uploads/1") { Content = new ByteArrayContent(body) };
        request.Headers.TransferEncodingChunked = isChunked;
        using var response = await Server.Anonymous.SendAsync(request, Cancelled);

        Assert.Equal(body, await response.Content.ReadAsByteArrayAsync(Cancelled));
    }

    [Fact]
    public async Task Bodies_are_streamed_in_both_directions()
    {
        var arrived = new TaskCompletionSource<byte>(TaskCreationOptions.RunContinuationsAsynchronously);
        Registry.Begin(async context =>
        {
            var first = new byte[1];
            await context.Request.Body.ReadExactlyAsync(first, Cancelled);
            arrived.SetResult(first[0]);
            await context.Request.Body.CopyToAsync(Stream.Null, Cancelled);
            await context.Response.Body.WriteAsync(first, Cancelled);
            await context.Response.Body.FlushAsync(Cancelled);
            // The body ends only with the connection.
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });
        using var socket = await ConnectAsync(Server);
        await using var stream = new NetworkStream(socket);

        // A smaller body would fit into the buffers of the sockets.
        var most = new string('a', 100_000);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"PATCH /v2/org/dep/blobs/uploads/1 HTTP/1.1\r\nHost: x\r\nContent-Length: {most.Length + 1}\r\n\r\n{most}"), Cancelled);
        Assert.Equal((byte)'a', await arrived.Task.WaitAsync(Cancelled));
        await stream.WriteAsync("b"u8.ToArray(), Cancelled);

        var read = "";
        while (!read.Contains("\r\n\r\n1\r\na\r\n", StringComparison.Ordinal))
        {
            var buffer = new byte[1024];
            var count = await stream.ReadAsync(buffer, Cancelled);
            Assert.NotEqual(0, count);
            read += Encoding.ASCII.GetString(buffer, 0, count);
        }
    }

    [Theory]
    [InlineData("https://updraft.example.org", null, "updraft.example.org")]
    [InlineData("https://updraft.example.org:8443/base/", null, "updraft.example.org:8443")]
    [InlineData("http://[::1]:8888", null, "[::1]:8888")]
    [InlineData("http://localhost", null, "localhost")]
    [InlineData("https://updraft", null, "updraft:443")]
    [InlineData("https://updraft.example.org", "images.example.org:5000", "images.example.org:5000")]
    public async Task Registry_default_is_the_host_of_the_public_URL(string publicUrl, string? registry, string expected)
    {
        await using var server = await StartAsync("http://127.0.0.1:1", ("PublicUrl", publicUrl), registry is null
            ? ("AirflowHome", "/a") : ("Registry", registry));
        var deployment = await server.CreateDeploymentAsync();
        var shown = await server.Client.GetOkAsync($"{server.OrganizationPath}/deployments/{deployment}");
        Assert.Equal($"{expected}/{server.OrganizationId}/{deployment}", shown.Text("imageRepository"));
    }

    [Theory]
    [InlineData("false", "http://127.0.0.1:1")]
    [InlineData(null, null)]
    public async Task Request_without_the_proxy_names_the_registry(string? proxy, string? url)
    {
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Images:Proxy"] = proxy,
            ["Images:RegistryUrl"] = url,
        }.Where(setting => setting.Value is not null)
            .ToDictionary(setting => setting.Key, setting => setting.Value!, StringComparer.Ordinal));

        using var response = await server.Anonymous.GetAsync("/v2/", Cancelled);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        var text = await response.Content.ReadAsStringAsync(Cancelled);
        Assert.Contains("UNSUPPORTED", text, StringComparison.Ordinal);
        Assert.Contains("localhost:5555", text, StringComparison.Ordinal);
    }

    internal static Task<UpdraftServer> StartAsync(string url, params (string Name, string Value)[] settings) =>
        UpdraftServer.StartAsync(settings:
        settings.Append(("Images:RegistryUrl", url))
            .ToDictionary(setting => setting.Item1, setting => setting.Item2, StringComparer.Ordinal));

    private static async Task<Socket> ConnectAsync(UpdraftServer server)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, server.BaseAddress.Port, Cancelled);
        return socket;
    }

    /// <summary>Sends a raw request that no HTTP client would send, and reads until the server closes the connection.</summary>
    /// <param name="server">The server.</param>
    /// <param name="request">The request line.</param>
    /// <param name="rest">Headers, then an empty line and the body.</param>
    internal static async Task<string> SendAsync(UpdraftServer server, string request, params string[] rest)
    {
        var body = Array.IndexOf(rest, "");
        var headers = (body < 0 ? rest : rest[..body]).Prepend($"Host: {server.BaseAddress.Authority}");
        if (!rest.Any(line => line.StartsWith("Connection:", StringComparison.Ordinal)))
            headers = headers.Append("Connection: close");
        var text = $"{request}\r\n{string.Join("\r\n", headers)}\r\n\r\n{(body < 0 ? "" : string.Concat(rest[(body + 1)..]))}";
        using var socket = await ConnectAsync(server);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text), Cancelled);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync(Cancelled);
    }

    /// <summary>A server in front of a stand-in, for all tests of the class.</summary>
    public sealed class ProxyingServer : IAsyncLifetime
    {
        private StandInUpstream? _registry;
        private UpdraftServer? _server;

        internal StandInUpstream Registry => _registry!;

        internal UpdraftServer Server => _server!;

        public async ValueTask InitializeAsync()
        {
            _registry = await StandInUpstream.StartAsync();
            _server = await StartAsync(_registry.Url);
        }

        public async ValueTask DisposeAsync()
        {
            await Server.DisposeAsync();
            await Registry.DisposeAsync();
        }
    }
}
