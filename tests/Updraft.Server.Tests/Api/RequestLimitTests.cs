using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Api;

/// <summary>Rate limits, the IP address of the client, and transport security.</summary>
public sealed class RequestLimitTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Anonymous_requests_beyond_the_limit_get_429_and_a_pause()
    {
        await using var server = await StartAsync(("RateLimits:AnonymousPerMinute", "3"));
        HttpStatusCode[] expected = [HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.TooManyRequests];
        foreach (var status in expected)
        {
            using var response = await server.Anonymous.GetAsync("/healthz/ready", Cancelled);
            Assert.Equal(status, response.StatusCode);
            Assert.Equal(status != HttpStatusCode.OK, response.Headers.Contains("Retry-After"));
        }
        using var live = await server.Anonymous.GetAsync("/healthz/live", Cancelled);
        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        await server.Client.GetOkAsync(server.OrganizationPath);
    }

    [Fact]
    public async Task Requests_of_a_caller_beyond_the_limit_get_429()
    {
        await using var server = await StartAsync(("RateLimits:CallerPerMinute", "3"));
        var other = server.ClientWith(await server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_MEMBER"));
        await server.Client.GetOkAsync(server.OrganizationPath);
        await server.Client.GetOkAsync(server.OrganizationPath);
        using var rejected = await server.Client.GetAsync(server.OrganizationPath, Cancelled);
        Assert.Equal((HttpStatusCode.TooManyRequests, "too_many_requests"),
            (rejected.StatusCode, rejected.Headers.GetValues("x-error-code").Single()));
        await other.GetOkAsync(server.OrganizationPath);
    }

    [Theory]
    [InlineData("127.0.0.0/8", "203.0.113.9")]
    [InlineData(null, "127.0.0.1")]
    public async Task Event_has_the_client_address_of_a_trusted_proxy_only(string? proxies, string expected)
    {
        await using var server = await StartAsync(("TrustedProxies", proxies ?? ""));
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{server.OrganizationPath}/workspaces")
        {
            Content = JsonRequests.Json("""{"name":"w"}"""),
        };
        request.Headers.Add("X-Forwarded-For", "198.51.100.1, 203.0.113.9");
        request.Headers.Add("User-Agent", "probe/1");
        (await server.Client.SendAsync(request, Cancelled)).EnsureSuccessStatusCode();
        var details = (await server.Client.GetOkAsync($"/updraft{server.OrganizationPath}/audit-log?type=workspace.created&limit=1"))
            ["events"]![0]!["details"]!;
        Assert.Equal((expected, "probe/1"), (details["clientAddress"]!.GetValue<string>(), details["userAgent"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("https://updraft.example.org", true)]
    [InlineData("http://127.0.0.1:8888", false)]
    public async Task Responses_require_encryption_when_the_public_URL_is_https(string publicUrl, bool isRequired)
    {
        await using var server = await StartAsync(("PublicUrl", publicUrl));
        foreach (var path in (string[])["/signin", "/v1/organizations", "/none"])
        {
            using var response = await server.Anonymous.GetAsync(path, Cancelled);
            Assert.Equal(isRequired, response.Headers.Contains("Strict-Transport-Security"));
        }
    }

    [Fact]
    public async Task Unencrypted_public_URL_is_logged_as_a_warning()
    {
        await using var server = await StartAsync(("PublicUrl", "http://updraft.example.org"));
        Assert.Contains("PublicUrl is http://updraft.example.org, so tokens and cookies travel unencrypted", server.LogText,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_that_leaves_a_stream_causes_no_error_in_the_log()
    {
        await using var server = await StartAsync();
        using var visitor = await Web.Visitor.SignedInAsync(server);
        for (var i = 0; i < 5; i++)
        {
            using var left = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
            using var request = new HttpRequestMessage(HttpMethod.Get, "/deployments/events");
            request.Headers.Add("Accept", "text/event-stream");
            using (await visitor.SendAsync(request))
            {
            }
            await server.Client.PostOkAsync($"{server.OrganizationPath}/workspaces", new JsonObject { ["name"] = $"w{i}" });
        }
        await server.StopAsync();
        Assert.DoesNotContain(server.LogText.Split('\n'), line => line.StartsWith("Error ", StringComparison.Ordinal)
            || line.StartsWith("Critical ", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Database", "SQLite")]
    public async Task Files_are_closed_to_other_local_users()
    {
        await using var server = await StartAsync();
        await server.Client.GetOkAsync(server.OrganizationPath);
        const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(server.DataDirectory) & Others);
        foreach (var path in (string[])["lock", "database", "keys"])
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(Path.Join(server.DataDirectory, path)) & Others);
        foreach (var path in Directory.EnumerateFiles(Path.Join(server.DataDirectory, "database")))
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(path) & Others);
    }

    private static Task<UpdraftServer> StartAsync(params (string Name, string Value)[] settings) => UpdraftServer.StartAsync(
        settings: settings.ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal));
}
