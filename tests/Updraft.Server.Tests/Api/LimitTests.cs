using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Api;

/// <summary>
/// Limits of texts and bodies. A value at the limit is accepted. For a larger one, the response names the field and the limit.
/// </summary>
public sealed class LimitTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Route, body with <c>X</c> in place of the text, limit in code points, field in the message.</summary>
    public static TheoryData<string, string, int, string> Texts => new()
    {
        { "workspaces", """{"name":"{unique}","description":"X"}""", 500, "description" },
        { "workspaces", """{"name":"X"}""", 50, "name" },
        { "deployments", """{"name":"{unique}","workspaceId":"{w}","description":"X"}""", 1000, "description" },
        { "deployments", """{"name":"X","workspaceId":"{w}"}""", 500, "name" },
        { "tokens", """{"name":"X","scope":"ORGANIZATION","role":"ORGANIZATION_MEMBER"}""", 255, "name" },
        { "tokens", """{"name":"t","description":"X","scope":"ORGANIZATION","role":"ORGANIZATION_MEMBER"}""", 500, "description" },
        { "deployments/{d}/agent-tokens", """{"name":"X"}""", 255, "name" },
        { "deployments/{d}/deploys", """{"type":"DAG_ONLY","description":"X"}""", 500, "description" },
        { "deployments/{d}/deploys", """{"type":"DAG_ONLY","git":{"provider":"GITHUB","account":"a","repo":"r","commitSha":"X"}}""", 1024, "git.commitSha" },
        { "deployments/{d}/deploys", """{"type":"DAG_ONLY","git":{"provider":"GITHUB","account":"X","repo":"r","commitSha":"c"}}""", 1024, "git.account" },
        { "deployments/{d}/deploys", """{"type":"DAG_ONLY","git":{"provider":"GITHUB","account":"a","repo":"X","commitSha":"c"}}""", 1024, "git.repo" },
        { "deployments/{d}/deploys", """{"type":"DAG_ONLY","git":{"provider":"GITHUB","account":"a","repo":"r","commitSha":"c","branch":"X"}}""", 1024, "git.branch" },
        { "deployments/{d}/deploys", """{"type":"DAG_ONLY","git":{"provider":"GITHUB","account":"a","repo":"r","commitSha":"c","authorName":"X"}}""", 1024, "git.authorName" },
        { "deployments/{d}/deploys", """{"type":"DAG_ONLY","git":{"provider":"GENERIC","remoteUrl":"X","commitSha":"c"}}""", 2048, "git.remoteUrl" },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public async Task Text_limit_counts_code_points_exactly(string route, string body, int limit, string field)
    {
        var deployment = await Server.CreateDeploymentAsync(Path.GetRandomFileName());
        // An emoji is one code point and two UTF-16 units.
        foreach (var symbol in (string[])["x", "🦑"])
            await Server.Client.PostOkAsync($"{Server.OrganizationPath}/{Fill(route)}", Body(symbol, limit));
        foreach (var (symbol, length) in ((string, int)[])[("🦑", limit + 1), ("x", limit * 100)])
        {
            var message = await Server.Client.PostErrorAsync($"{Server.OrganizationPath}/{Fill(route)}", Body(symbol, length)
                .ToJsonString(),
                HttpStatusCode.BadRequest);
            Assert.Contains($"'{field}'", message, StringComparison.Ordinal);
            Assert.Contains($"{limit}", message, StringComparison.Ordinal);
            Assert.Contains($"{length}", message, StringComparison.Ordinal);
        }

        JsonNode Body(string symbol, int length) => JsonNode.Parse(Fill(body).Replace("\"X\"",
            $"\"{string.Concat(Enumerable.Repeat(symbol, length))}\"", StringComparison.Ordinal))!;
        string Fill(string text) => text.Replace("{d}", deployment, StringComparison.Ordinal)
            .Replace("{w}", Server.WorkspaceId, StringComparison.Ordinal)
            .Replace("{unique}", Path.GetRandomFileName(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, HttpStatusCode.OK)]
    [InlineData(1, HttpStatusCode.RequestEntityTooLarge)]
    [InlineData(6 * 1024 * 1024, HttpStatusCode.RequestEntityTooLarge)]
    [InlineData(100 * 1024 * 1024, HttpStatusCode.RequestEntityTooLarge)]
    public async Task JSON_body_over_one_mebibyte_is_rejected_with_413(int more, HttpStatusCode expected)
    {
        const string Start = "{\"name\":\"big\",\"x\":\"", End = "\"}";
        using var http = await Uploads.RawHttp.ConnectAsync(Server.BaseAddress);
        var length = 1024 * 1024 + more;
        await http.SendAsync(Encoding.ASCII.GetBytes($"POST {Server.OrganizationPath}/workspaces HTTP/1.1\r\nHost: x\r\nContent-Type: "
            + $"application/json\r\n"
            + $"Authorization: Bearer {Server.OwnerToken}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"));
        // The server rejects a body that is far too large by its length, before the client sends it.
        if (more <= 1)
            await http.SendAsync(Encoding.ASCII.GetBytes(Start + new string('x', length - Start.Length - End.Length) + End));
        var reply = await http.ReadUntilAsync("\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {(int)expected} ", reply, StringComparison.Ordinal);
        if (expected != HttpStatusCode.OK)
            Assert.Contains("larger than", await http.ReadUntilAsync("statusCode"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("limit=1000", HttpStatusCode.OK)]
    [InlineData("limit=1001", HttpStatusCode.BadRequest)]
    [InlineData("limit=100000", HttpStatusCode.BadRequest)]
    [InlineData("limit=99999999999999999999", HttpStatusCode.BadRequest)]
    [InlineData("offset=2147483647", HttpStatusCode.OK)]
    [InlineData("offset=2147483648", HttpStatusCode.BadRequest)]
    [InlineData("offset=-1", HttpStatusCode.BadRequest)]
    public async Task Page_over_a_thousand_rows_is_rejected_with_400(string query, HttpStatusCode expected)
    {
        using var response = await Server.Client.GetAsync($"{Server.OrganizationPath}/deployments?{query}", Cancelled);
        var body = await response.ReadAsync(expected);
        if (expected == HttpStatusCode.BadRequest)
            Assert.Contains($"'{query.Split('=')[0]}'", body.Text("message"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(20_000)]
    public async Task Token_over_the_length_limit_is_rejected_with_401(int length)
    {
        using var response = await Server.ClientWith(new string('a', length)).GetAsync("/v1/organizations", Cancelled);
        await response.ReadAsync(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData(7000, 200)]
    [InlineData(8192, 414)]
    [InlineData(100_000, 414)]
    public async Task Request_line_over_eight_kibibytes_is_rejected(int length, int status)
    {
        using var http = await Uploads.RawHttp.ConnectAsync(Server.BaseAddress);
        await http.SendAsync(Encoding.ASCII.GetBytes($"GET /healthz/live?{new string('x', length)} HTTP/1.1\r\nHost: x\r\n\r\n"));
        Assert.StartsWith($"HTTP/1.1 {status} ", await http.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(90, 10, 200)]
    [InlineData(101, 10, 431)]
    [InlineData(2000, 10, 431)]
    [InlineData(3, 10_000, 200)]
    [InlineData(4, 10_000, 431)]
    public async Task Headers_over_100_or_32_kibibytes_are_rejected(int count, int length, int status)
    {
        using var http = await Uploads.RawHttp.ConnectAsync(Server.BaseAddress);
        var headers = string.Concat(Enumerable.Range(0, count).Select(i => $"X-H{i}: {new string('v', length)}\r\n"));
        await http.SendAsync(Encoding.ASCII.GetBytes($"GET /healthz/live HTTP/1.1\r\nHost: x\r\n{headers}\r\n"));
        Assert.StartsWith($"HTTP/1.1 {status} ", await http.ReadHeadAsync(), StringComparison.Ordinal);
    }
}
