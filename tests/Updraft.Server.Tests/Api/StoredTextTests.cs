using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Api;

/// <summary>The server stores unusual texts unchanged or rejects them, and never puts them into a header.</summary>
public sealed class StoredTextTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    public static TheoryData<string> Kept => new()
    {
        "\r\nX-Injected: 1", "%0d%0aX-Injected: 1", "\nSet-Cookie: a=b", "\u001b[31mred", "\u202Eevil", "\uFEFFmark", "e\u0301", "é",
            "👩‍👩‍👧‍👦",
        "\U0001F9D1\U0001F3FF", "العربية", "\u0085\u2028\u2029", "'; DROP TABLE deploys; --", "%_\\", "<script>alert(1)</script>",
        "${jndi:ldap://x}",
        "\uFFFF\uFFFE", "\uD83E\uDD91", "\\u0000", "\"quoted\"", "null", " spaces ", "\t", "1;2", "../../etc/passwd",
    };

    [Theory]
    [MemberData(nameof(Kept))]
    public async Task Description_is_returned_unchanged_and_in_no_header(string text)
    {
        var deployment = await Server.CreateDeploymentAsync(Path.GetRandomFileName());
        var deploys = $"{Server.OrganizationPath}/deployments/{deployment}/deploys";
        var made = await Server.Client.PostOkAsync(deploys, new JsonObject { ["type"] = "DAG_ONLY", ["description"] = text });
        using var response = await Server.Client.GetAsync($"{deploys}/{made.Text("id")}", TestContext.Current.CancellationToken);
        Assert.Equal(text, (await response.ReadAsync(HttpStatusCode.OK)).Text("description"));
        Assert.DoesNotContain(response.Headers.Concat(response.Content.Headers), header => header.Key is "X-Injected" or "Set-Cookie");
    }

    [Theory]
    [InlineData("""{"name":"X"}""")]
    [InlineData("""{"name":"a","description":"X"}""")]
    [InlineData("""{"X":1,"name":"a"}""")]
    [InlineData("""{"name":"a","unknown":["X"]}""")]
    [InlineData("""{"name":"a","unknown":{"deep":{"deeper":"X"}}}""")]
    public async Task Text_that_cannot_be_stored_is_rejected_everywhere(string body)
    {
        foreach (var bad in (string[])["\\u0000", "a\\u0000b", "\\ud800", "\\udc00", "\\ud800x", "\\udc00\\ud800"])
        {
            await Server.Client.PostErrorAsync($"{Server.OrganizationPath}/workspaces",
                body.Replace("X", bad, StringComparison.Ordinal), HttpStatusCode.BadRequest);
        }
    }

    [Theory]
    [InlineData("1e400")]
    [InlineData("-1e400")]
    [InlineData("99999999999999999999999999")]
    [InlineData("1.5")]
    [InlineData("\"30\"")]
    [InlineData("01")]
    [InlineData("+1")]
    [InlineData("NaN")]
    [InlineData("{million}")]
    public async Task Number_out_of_range_is_rejected(string number)
    {
        var value = number == "{million}" ? new string('9', 1_000_000) : number;
        await Server.Client.PostErrorAsync($"{Server.OrganizationPath}/tokens",
            $$"""{"name":"n","scope":"ORGANIZATION","role":"ORGANIZATION_MEMBER","tokenExpiryPeriodInDays":{{value}}}""",
            HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData(65)]
    [InlineData(10_000)]
    [InlineData(300_000)]
    public async Task Deeply_nested_objects_are_rejected(int depth)
    {
        var body = string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "1" + new string('}', depth);
        await Server.Client.PostErrorAsync($"{Server.OrganizationPath}/workspaces",
            body.Length < 1024 * 1024 ? body : body[..(1024 * 1024)], HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Body_with_many_keys_is_accepted()
    {
        var body = "{\"name\":\"keys\"," + string.Join(',', Enumerable.Range(0, 60_000).Select(i => $"\"k{i}\":{i}")) + "}";
        using var response = await Server.Client.PostAsync($"{Server.OrganizationPath}/workspaces", JsonRequests.Json(body),
            TestContext.Current.CancellationToken);
        await response.ReadAsync(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("name")]
    [InlineData("description")]
    public async Task Duplicate_key_is_rejected_in_every_spelling_and_depth(string key)
    {
        var escaped = $"\\u{(int)key[0]:x4}{key[1..]}";
        foreach (var body in (string[])
        [
            $$"""{"{{key}}":"a","{{escaped}}":"b"}""", $$"""{"name":"a","git":{"{{key}}":1,"{{escaped}}":2} }""",
            $$"""{"name":"a","list":[{"{{key}}":1,"{{key}}":2}]}""",
        ])
            Assert.Contains("twice", await Server.Client.PostErrorAsync($"{Server.OrganizationPath}/workspaces", body,
                HttpStatusCode.BadRequest),
                StringComparison.Ordinal);
    }
}
