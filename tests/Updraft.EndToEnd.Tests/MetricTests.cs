using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

/// <summary>What a scrape of a real server tells after a few deploys, and what documents, dashboard and rules make of it.</summary>
public sealed partial class MetricTests
{
    [Fact]
    public async Task A_scrape_counts_deploys_and_every_document_names_metrics_that_exist()
    {
        using var http = new HttpClient();
        var address = LoopbackPort.LeaseUrl().OriginalString;
        await using var installation = await Installation.StartAsync($"--Metrics:Listen={address}");
        var agent = await installation.StartAgentAsync();
        var (first, second) = (Tree.Stamped(3, "first"), Tree.Stamped(3, "second"));
        var good = await installation.DeployAsync(first);
        await agent.SeesAsync(first);
        await installation.DeployAsync(second);
        await agent.SeesAsync(second);
        await installation.RollBackAsync(good);
        await agent.SeesAsync(first);

        var scrape = "";
        await Eventually.TrueAsync(async () =>
        {
            scrape = await http.GetStringAsync(new Uri(address + "/metrics"), TestContext.Current.CancellationToken);
            return Value(scrape, "updraft_deploy_activation_seconds_count") == 3 && Value(scrape, "updraft_agents{state=\"current\"}") == 1;
        }, "three activations are counted", () => scrape);
        Assert.Equal(2, Value(scrape, "updraft_deploys_total{result=\"deployed\",type=\"DAG_ONLY\"}"));
        Assert.Equal(1, Value(scrape, "updraft_deploys_total{result=\"rolled_back\",type=\"DAG_ONLY\"}"));
        Assert.Equal(2, Value(scrape, "updraft_uploads_total{result=\"stored\"}"));
        Assert.Equal(0, Value(scrape, "updraft_agents{state=\"failed\"}"));
        // No name of a thing that there may be any number of.
        Assert.DoesNotContain(good, scrape, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"=""c[a-z0-9]{24}""", scrape);

        var families = Family().Matches(scrape).Select(match => match.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
        var samples = Sample().Matches(scrape).Select(match => match.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
        var table = Row().Matches(Read("docs/reference/metrics.md")).Select(match => match.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(families.Order(StringComparer.Ordinal), table.Order(StringComparer.Ordinal));
        foreach (var document in (string[])["packaging/grafana/updraft.json", "packaging/prometheus/alerts.yml"])
        {
            var named = Expressions(document).SelectMany(expression => Name().Matches(expression)).Select(match => match.Value).ToHashSet(StringComparer.Ordinal);
            Assert.True(named.Count >= 3, $"{document} names {named.Count} metrics.");
            Assert.Equal([], named.Except(samples));
        }
    }

    [Fact]
    public async Task Metrics_and_the_API_are_at_addresses_of_their_own()
    {
        using var http = new HttpClient();
        var address = LoopbackPort.LeaseUrl().OriginalString;
        await using var installation = await Installation.StartAsync($"--Metrics:Listen={address}");

        Assert.Equal(HttpStatusCode.OK, await AskAsync(address + "/metrics"));
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(address + "/v1/organizations"));
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(address + "/healthz/live"));
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(new Uri(installation.Address, "/metrics").AbsoluteUri));

        async Task<HttpStatusCode> AskAsync(string url)
        {
            using var response = await http.GetAsync(new Uri(url), TestContext.Current.CancellationToken);
            return response.StatusCode;
        }
    }

    /// <summary>Every expression of PromQL in a dashboard or in rules.</summary>
    private static IEnumerable<string> Expressions(string path) => path.EndsWith(".json", StringComparison.Ordinal)
        ? Targets(JsonNode.Parse(Read(path))!)
        : Rule().Matches(Read(path)).Select(match => match.Groups["expression"].Value);

    private static IEnumerable<string> Targets(JsonNode? node) => node switch
    {
        JsonObject parts => parts.SelectMany(part => part is { Key: "expr" or "query", Value: JsonValue text } && text.TryGetValue<string>(out var expression)
            ? [expression]
            : Targets(part.Value)),
        JsonArray items => items.SelectMany(Targets),
        _ => [],
    };

    // Without labels the library writes an empty pair of braces.
    private static double? Value(string scrape, string series) => scrape.Split('\n')
        .Select(line => line.Replace("{}", "", StringComparison.Ordinal)).Where(line => line.StartsWith(series + " ", StringComparison.Ordinal))
        .Select(line => (double?)double.Parse(line[(series.Length + 1)..].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)).SingleOrDefault();

    private static string Read(string path) => File.ReadAllText(Programs.InCheckout(path));

    [GeneratedRegex(@"^# TYPE (?<name>\w+) ", RegexOptions.Multiline)]
    private static partial Regex Family();

    [GeneratedRegex(@"^(?<name>[a-z]\w*)[{ ]", RegexOptions.Multiline)]
    private static partial Regex Sample();

    [GeneratedRegex(@"^\| `(?<name>\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"^ +expr: (?<expression>.+)$", RegexOptions.Multiline)]
    private static partial Regex Rule();

    [GeneratedRegex(@"\b(updraft|http_server|dotnet)_\w+")]
    private static partial Regex Name();
}
