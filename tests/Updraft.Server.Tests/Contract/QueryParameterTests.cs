using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Contract;

/// <summary>Every query parameter of every operation rejects the values that its description excludes, and the message names it.</summary>
public sealed class QueryParameterTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Value_outside_of_the_description_is_rejected_with_400()
    {
        var (wrong, tried) = (new List<string>(), 0);
        foreach (var operation in (await DescribedOperations.ReadAsync(Server)).Where(operation => operation.Method == "GET"))
        {
            foreach (var parameter in operation.Query)
            {
                var (name, schema) = (parameter["name"]!.ToString(), parameter["schema"]!);
                var (type, values) = (schema["type"]!.ToString(), (schema["items"] ?? schema)["enum"]?.AsArray());
                var some = values?[0]!.ToString() ?? (type == "boolean" ? "true" : type == "integer" ? "1" : "x");
                var queries = new List<string>();
                if (type != "array")
                    queries.AddRange([$"{name}={some}&{name}={some}", $"{name}={some}&{name}=", $"{name}=&{name}={some}"]);
                if (values is not null)
                    queries.AddRange([$"{name}=AAA", $"{name}={some}x", .. type == "array" ? [$"{name}={some}&{name}=AAA"] : (string[])[]]);
                if (type == "boolean")
                    queries.AddRange([$"{name}=AAA", $"{name}=1", $"{name}=null"]);
                if (type == "integer")
                    queries.AddRange([$"{name}=-1", $"{name}=1.5", $"{name}=x", $"{name}=99999999999999999999"]);
                if (schema["maximum"]?.GetValue<long>() is { } max)
                    queries.Add($"{name}={max + 1}");
                if (schema["format"]?.ToString() == "date-time")
                    queries.Add($"{name}=yesterday");
                foreach (var query in queries)
                {
                    using var response = await Server.Client.GetAsync($"{operation.Url}?{query}", Cancelled);
                    var text = await response.Content.ReadAsStringAsync(Cancelled);
                    tried++;
                    if (response.StatusCode != HttpStatusCode.BadRequest || !text.Contains($"'{name}'", StringComparison.Ordinal))
                        wrong.Add($"{operation.Id} ?{query} got {(int)response.StatusCode}: {text[..Math.Min(text.Length, 150)]}");
                }
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(tried > 200);
    }

    [Fact]
    public async Task Value_inside_of_the_description_is_accepted()
    {
        var wrong = new List<string>();
        foreach (var operation in (await DescribedOperations.ReadAsync(Server)).Where(operation => operation.Method == "GET"))
        {
            using var plain = await Server.Client.GetAsync(operation.Url, Cancelled);
            if (plain.StatusCode != HttpStatusCode.OK)
                continue;
            foreach (var parameter in operation.Query)
            {
                var (name, schema) = (parameter["name"]!.ToString(), parameter["schema"]!);
                var values = (schema["items"] ?? schema)["enum"]?.AsArray().Select(value => value!.ToString()).ToList()
                    ?? (schema["type"]!.ToString() switch
                    {
                        "boolean" => ["true", "false"],
                        "integer" => [schema["maximum"]!.ToString(), schema["minimum"]!.ToString()],
                        _ => [],
                    });
                // Empty values count as absent.
                foreach (var value in values.Append(""))
                {
                    using var response = await Server.Client.GetAsync($"{operation.Url}?{name}={value}", Cancelled);
                    var text = await response.Content.ReadAsStringAsync(Cancelled);
                    var isAbsent = value.Length > 0 || Rows(text) == Rows(await plain.Content.ReadAsStringAsync(Cancelled));
                    if (response.StatusCode != HttpStatusCode.OK || !isAbsent)
                        wrong.Add($"{operation.Id} ?{name}={value}: {text}");
                }
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static string? Rows(string body) => JsonNode.Parse(body) switch
    {
        JsonObject page => page["totalCount"]?.ToString(),
        JsonArray list => list.Count.ToString(CultureInfo.InvariantCulture),
        _ => null,
    };

    [Theory]
    [InlineData("clusters?provider=IBM", "AWS, AZURE, GCP")]
    [InlineData("roles?scopeTypes=WORKSPAC&includeDefaultRoles=true", "ORGANIZATION, WORKSPACE, DEPLOYMENT")]
    [InlineData("tokens?includeOnlyOrganizationTokens=AAA", "true or false")]
    [InlineData("deployments?offset=2147483648", "from 0 to 2147483647")]
    public async Task Message_names_the_allowed_values(string path, string allowed)
    {
        using var response = await Server.Client.GetAsync($"{Server.OrganizationPath}/{path}", Cancelled);
        Assert.Contains(allowed, (await response.ReadAsync(HttpStatusCode.BadRequest)).Text("message"), StringComparison.Ordinal);
    }
}
