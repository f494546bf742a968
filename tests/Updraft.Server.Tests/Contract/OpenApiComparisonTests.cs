using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Updraft.Protocol.Api;
using Updraft.Server.OpenApi;
using Updraft.Server.Tests.Conventions;

namespace Updraft.Server.Tests.Contract;

/// <summary>Updraft's description of its API beside the published one: every difference is known and has its reason.</summary>
public sealed class OpenApiComparisonTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_difference_to_the_published_description_stands_in_the_list_with_its_reason()
    {
        var known = Known().ToHashSet(StringComparer.Ordinal);
        var differences = ContractDifferences.Between(PublishedContract.Facts(), await ServedAsync());
        var added = differences.Where(line => !known.Contains(line)).ToList();
        var stale = known.Except(differences, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (PublishedDescription.IsToBeWritten)
            WriteDifferences(added, stale);
        Assert.True(added.Count == 0, "The API differs from the published one. Make it the same, or say in tests/Updraft.Testing/Contract/differences.json why not:\n" + string.Join('\n', added));
        Assert.True(stale.Count == 0, "These differences are gone; remove them from tests/Updraft.Testing/Contract/differences.json:\n" + string.Join('\n', stale));
    }

    [Fact]
    public async Task The_groups_of_the_page_are_those_of_the_operations()
    {
        var document = JsonNode.Parse(await shared.Server.Anonymous.GetStringAsync("/openapi/v1.json", Cancelled))!;
        var used = document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject())
            .SelectMany(operation => operation.Value!["tags"]!.AsArray().Select(tag => tag!.GetValue<string>())).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(used, document["tags"]!.AsArray().Select(tag => tag!["name"]!.GetValue<string>()));
    }

    [Fact]
    public void Every_difference_is_listed_once_and_has_a_reason()
    {
        Assert.Equal([], Known().GroupBy(line => line).Where(group => group.Count() > 1).Select(group => group.Key));
        Assert.All(Groups("differences").Concat(Groups("sent")), group => Assert.True(group.GetProperty("reason").GetString()!.Length > 10));
    }

    [Fact]
    public void The_document_lists_every_reason()
    {
        const string Begin = "<!-- reasons -->\n", End = "<!-- end of reasons -->";
        var reasons = string.Concat(Groups("differences").Select(group =>
            $"- {group.GetProperty("reason").GetString()} ({group.GetProperty("what").GetArrayLength()})\n"));
        var document = SourceTree.Read("docs/reference/api.md");
        var parts = document.Split([Begin, End], StringSplitOptions.None);
        if (PublishedDescription.IsToBeWritten)
            File.WriteAllText(Path.Join(SourceTree.Root, "docs/reference/api.md"), parts[0] + Begin + reasons + End + parts[2]);
        else
            Assert.Equal(reasons, parts[1]);
    }

    [Fact]
    public async Task What_is_sent_beyond_the_published_description_is_described_here()
    {
        var served = await ServedAsync();
        var published = PublishedContract.Facts();
        Assert.All(PublishedContract.Sent.Keys, entry =>
        {
            var (field, value) = entry.Split('=') is [var left, var right] ? (left, right) : (entry, null);
            Assert.True(Has(served, field, value), $"{entry} is not described");
            Assert.False(Has(published, field, value), $"{entry} is published; it needs no entry under 'sent'");
        });

        static bool Has(JsonObject facts, string field, string? value)
        {
            var (schema, name) = (field.Split('.')[0], field.Split('.')[1]);
            return facts["schemas"]![schema]?["properties"]?[name] is { } rule
                && (value is null || rule["enum"]!.AsArray().Any(word => word!.ToString() == value));
        }
    }

    [Fact]
    public void The_extract_is_what_the_published_description_says()
    {
        // Elsewhere than beside the published description there is nothing to compare with; then it must at least hold together.
        if (PublishedDescription.Read() is { } facts)
        {
            PublishedDescription.WriteIfAsked(facts);
            Assert.True(PublishedDescription.Show(facts) == PublishedDescription.Show(PublishedContract.Facts()),
                "tests/Updraft.Testing/Contract/published.json is not the extract; run this test with UPDRAFT_WRITE_CONTRACT=1 and build again.");
        }
        var extract = PublishedContract.Facts();
        Assert.True(extract["operations"]!.AsObject().Count > 60);
        var references = References(extract).ToHashSet(StringComparer.Ordinal);
        Assert.Equal([], references.Where(name => !extract["schemas"]!.AsObject().ContainsKey(name)));
        Assert.DoesNotContain("description\":\"", extract.ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/openapi/v1.json")]
    [InlineData("/spec/v1.0")]
    [InlineData("/spec/v1")]
    public async Task The_description_is_open_and_the_same_at_every_address(string address)
    {
        using var response = await shared.Server.Anonymous.GetAsync(address, Cancelled);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.StartsWith("3.0.", (await response.ReadAsync(HttpStatusCode.OK)).Text("openapi"), StringComparison.Ordinal);

        using var again = new HttpRequestMessage(HttpMethod.Get, address);
        again.Headers.IfNoneMatch.Add(response.Headers.ETag!);
        using var unchanged = await shared.Server.Anonymous.SendAsync(again, Cancelled);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
    }

    [Fact]
    public async Task Addresses_are_this_servers_and_every_field_and_parameter_has_a_description()
    {
        var document = await DocumentAsync();
        Assert.Equal(shared.Server.BaseAddress + "v1", document["servers"]![0]!["url"]!.ToString());
        var silent = (from schema in document["components"]!["schemas"]!.AsObject()
                      from field in schema.Value!["properties"]!.AsObject()
                      where field.Value!["$ref"] is null && field.Value["description"] is null
                      select $"{schema.Key}.{field.Key}")
            .Concat(from path in document["paths"]!.AsObject()
                    from operation in path.Value!.AsObject()
                    from parameter in operation.Value!["parameters"]?.AsArray() ?? []
                    where parameter!["description"] is null
                    select $"{operation.Value["operationId"]} {parameter["name"]}").ToList();
        Assert.True(silent.Count == 0, "Say what these are, in the doc comment of the record or in OpenApi/OperationParameters.cs:\n" + string.Join('\n', silent));
    }

    [Fact]
    public void No_two_records_have_the_same_name_in_the_description()
    {
        // The second one would silently be described as the first.
        var names = typeof(ApiJson).Assembly.GetTypes()
            .Where(type => type.Namespace == typeof(ApiJson).Namespace)
            .Select(type => ApiJson.Default.GetTypeInfo(type)).OfType<JsonTypeInfo>()
            .Where(type => type.Kind == JsonTypeInfoKind.Object)
            .Select(SchemaNames.Find).ToList();
        Assert.True(names.Count > 60);
        Assert.Equal([], names.GroupBy(name => name).Where(group => group.Count() > 1).Select(group => group.Key));
    }

    [Theory]
    [InlineData("/docs/", "/openapi/v1.json")]
    [InlineData("/docs/updraft-v1", "/openapi/updraft-v1.json")]
    public async Task The_page_shows_the_description_and_takes_nothing_from_elsewhere(string address, string description)
    {
        using var response = await shared.Server.Anonymous.GetAsync(address, Cancelled);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.DoesNotContain("unsafe", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        var page = await response.Content.ReadAsStringAsync(Cancelled);
        Assert.Contains($"href=\"{description}\"", page, StringComparison.Ordinal);
        Assert.DoesNotMatch("(src|href|action)=\"(?![/#])", page);
        Assert.DoesNotMatch(" (style|on[a-z]+)=\"", page);
        var document = await shared.Server.Anonymous.GetOkAsync(description);
        foreach (var path in document["paths"]!.AsObject())
            Assert.Contains($"<code>{path.Key}</code>", page, StringComparison.Ordinal);
        foreach (var schema in document["components"]!["schemas"]!.AsObject())
            Assert.Contains($"<summary><code>{schema.Key}</code>", page, StringComparison.Ordinal);
        // Links within the page lead somewhere.
        foreach (Match link in Regex.Matches(page, "href=\"#([^\"]+)\""))
            Assert.Contains($"id=\"{link.Groups[1].Value}\"", page, StringComparison.Ordinal);
        using var none = await shared.Server.Anonymous.GetAsync("/docs/nothing", Cancelled);
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
    }

    /// <summary>Removes what is gone and puts what is new under a reason that somebody has to write.</summary>
    private static void WriteDifferences(List<string> added, List<string> stale)
    {
        var path = Path.Join(SourceTree.Root, "tests/Updraft.Testing/Contract/differences.json");
        var file = JsonNode.Parse(File.ReadAllText(path))!;
        var groups = file["differences"]!.AsArray();
        foreach (var group in groups.ToList())
        {
            var what = group!["what"]!.AsArray();
            what.RemoveAll(line => stale.Contains(line!.ToString()));
            if (what.Count == 0)
                groups.Remove(group);
        }
        if (added.Count > 0)
            groups.Add(new JsonObject { ["reason"] = "", ["what"] = new JsonArray([.. added.Select(line => JsonValue.Create(line))]) });
        File.WriteAllText(path, file.ToJsonString(PublishedDescription.Plain) + "\n");
    }

    private async Task<JsonObject> ServedAsync() => ContractFacts.From(await DocumentAsync());

    private Task<JsonObject> DocumentAsync() => shared.Server.Anonymous.GetOkAsync("/openapi/v1.json");

    private static JsonElement.ArrayEnumerator Groups(string part) => PublishedContract.Load("differences").GetProperty(part).EnumerateArray();

    private static IEnumerable<string> Known() =>
        Groups("differences").SelectMany(group => group.GetProperty("what").EnumerateArray().Select(line => line.GetString()!));

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject element => element.Where(field => field.Key == "ref" && field.Value is JsonValue).Select(field => field.Value!.ToString())
            .Concat(element.SelectMany(field => References(field.Value))),
        JsonArray array => array.SelectMany(References),
        _ => [],
    };
}
