using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Api;

/// <summary>The request bodies that the server accepts, tested with the creation of a Workspace.</summary>
public sealed class RequestBodyTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private string Path => $"{Server.OrganizationPath}/workspaces";

    public static TheoryData<string, string> BadBodies => new()
    {
        { "", "empty" },
        { "null", "null" },
        { "[]", "JSON object" },
        { "\"name\"", "JSON object" },
        { """{"name":"a","name":"b"}""", "'name' twice" },
        { """{"name":"a","n\u0061me":"b"}""", "'name' twice" },
        { """{"name":"a","unknown":1,"unknown":2}""", "'unknown' twice" },
        { """{"name":"a","deep":{"x":1,"x":2}}""", "'x' twice" },
        { """{"name":7}""", "'name' has a value of the wrong type" },
        { """{"name":"a","cicdEnforcedDefault":"yes"}""", "'cicdEnforcedDefault' has a value of the wrong type" },
        { """{"name":"a",}""", "not valid JSON" },
        { """{"name":"a"} x""", "not valid JSON" },
        { """{"name":/* why */"a"}""", "not valid JSON" },
        { """{name:"a"}""", "not valid JSON" },
        { "{\"name\":\"a\tb\"}", "not valid JSON" },
        { "\uFEFF{\"name\":\"a\"}", "not valid JSON" },
        { """{"name":"a\u0000b"}""", "U+0000" },
        { """{"name":"a","extra":{"k\u0000":1}}""", "U+0000" },
        { """{"name":"\ud800"}""", "not valid Unicode" },
        { """{"description":"no name"}""", "'name' is missing" },
    };

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task Invalid_body_is_rejected_with_the_reason(string body, string reason)
    {
        Assert.Contains(reason, await Server.Client.PostErrorAsync(Path, body, HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(31, HttpStatusCode.OK)]
    [InlineData(32, HttpStatusCode.BadRequest)]
    [InlineData(100_000, HttpStatusCode.BadRequest)]
    public async Task Nesting_over_32_is_rejected(int arrays, HttpStatusCode expected)
    {
        var body = $"{{\"name\":\"nested {arrays}\",\"x\":{new string('[', arrays)}{new string(']', arrays)}}}";
        using var response = await Server.Client.PostAsync(Path, JsonRequests.Json(body), TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(expected == response.StatusCode, text);
        if (expected == HttpStatusCode.BadRequest)
            Assert.Contains("nested deeper than 32 levels", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gzip", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("br", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("identity", HttpStatusCode.OK)]
    public async Task Encoded_body_is_rejected_with_415(string encoding, HttpStatusCode expected)
    {
        using var content = JsonRequests.Json("""{"name":"encoded"}""");
        content.Headers.Add("Content-Encoding", encoding);
        using var response = await Server.Client.PostAsync(Path, content, TestContext.Current.CancellationToken);
        var body = await response.ReadAsync(expected);
        if (expected == HttpStatusCode.UnsupportedMediaType)
            Assert.Contains($"'{encoding}'", body.Text("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_keys_and_nulls_count_as_absent()
    {
        var created = await Server.Client.PostOkAsync(Path, JsonNode.Parse("""
            {"name":"tolerant","description":null,"cicdEnforcedDefault":null,"id":"mine","organizationId":"other","createdBy":{"id":"me"}}
            """)!);
        Assert.Null(created["description"]);
        Assert.Equal(Server.OrganizationId, created.Text("organizationId"));
        Assert.DoesNotContain("\"mine\"", created.ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain("\"me\"", created.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Escaped_backslash_before_u0000_is_an_ordinary_text()
    {
        var created = await Server.Client.PostOkAsync(Path, new JsonObject { ["name"] = "back", ["description"] = "\\u0000" });
        Assert.Equal("\\u0000", created.Text("description"));
    }

    [Fact]
    public async Task Description_of_500_emoji_is_returned_unchanged()
    {
        var text = string.Concat(Enumerable.Repeat("🦑", 500));
        var created = await Server.Client.PostOkAsync(Path, new JsonObject { ["name"] = "emoji", ["description"] = text });
        Assert.Equal(text, (await Server.Client.GetOkAsync($"{Path}/{created.Text("id")}")).Text("description"));
    }

    [Fact]
    public async Task Description_of_501_emoji_is_rejected()
    {
        var body = new JsonObject { ["name"] = "emoji+1", ["description"] = string.Concat(Enumerable.Repeat("🦑", 501)) };
        var message = await Server.Client.PostErrorAsync(Path, body.ToJsonString(), HttpStatusCode.BadRequest);
        Assert.Contains("501", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_in_another_encoding_is_rejected()
    {
        using var content = new StringContent("{\"name\":\"a\"}", Encoding.Unicode, "application/json");
        using var response = await Server.Client.PostAsync(Path, content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }
}
