using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Api;

/// <summary>Reliability section E, texts and bodies: at a limit a value is taken; one above and far above, the answer names field and limit.</summary>
public sealed class LimitTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Route, body with <c>X</c> where the text goes, the limit in code points, what the message names.</summary>
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
    public async Task A_text_is_counted_in_code_points_and_its_limit_is_exact(string route, string body, int limit, string field)
    {
        var deployment = await Server.CreateDeploymentAsync(Path.GetRandomFileName());
        // An emoji is one code point and two UTF-16 units.
        foreach (var symbol in (string[])["x", "🦑"])
            await Server.Client.PostOkAsync($"{Server.OrganizationPath}/{Fill(route)}", Body(symbol, limit));
        foreach (var (symbol, length) in ((string, int)[])[("🦑", limit + 1), ("x", limit * 100)])
        {
            var message = await Server.Client.PostErrorAsync($"{Server.OrganizationPath}/{Fill(route)}", Body(symbol, length).ToJsonString(),
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
    public async Task A_json_body_has_one_mebibyte_at_most(int more, HttpStatusCode expected)
    {
        const string Start = "{\"name\":\"big\",\"x\":\"", End = "\"}";
        using var http = await Uploads.RawHttp.ConnectAsync(Server.BaseAddress);
        var length = 1024 * 1024 + more;
        await http.SendAsync(Encoding.ASCII.GetBytes($"POST {Server.OrganizationPath}/workspaces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            + $"Authorization: Bearer {Server.OwnerToken}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"));
        // What is far too large is refused by its length alone; nothing of it need be sent.
        if (more <= 1)
            await http.SendAsync(Encoding.ASCII.GetBytes(Start + new string('x', length - Start.Length - End.Length) + End));
        var answer = await http.ReadUntilAsync("\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {(int)expected} ", answer, StringComparison.Ordinal);
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
    public async Task A_page_has_a_thousand_rows_at_most(string query, HttpStatusCode expected)
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
    public async Task A_long_token_is_no_token(int length)
    {
        using var response = await Server.ClientWith(new string('a', length)).GetAsync("/v1/organizations", Cancelled);
        await response.ReadAsync(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData(7000, 200)]
    [InlineData(8192, 414)]
    [InlineData(100_000, 414)]
    public async Task A_request_line_has_eight_kibibytes_at_most(int length, int status)
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
    public async Task Headers_are_a_hundred_and_32_kibibytes_at_most(int count, int length, int status)
    {
        using var http = await Uploads.RawHttp.ConnectAsync(Server.BaseAddress);
        var headers = string.Concat(Enumerable.Range(0, count).Select(i => $"X-H{i}: {new string('v', length)}\r\n"));
        await http.SendAsync(Encoding.ASCII.GetBytes($"GET /healthz/live HTTP/1.1\r\nHost: x\r\n{headers}\r\n"));
        Assert.StartsWith($"HTTP/1.1 {status} ", await http.ReadHeadAsync(), StringComparison.Ordinal);
    }
}
