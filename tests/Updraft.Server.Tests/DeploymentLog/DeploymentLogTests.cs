using System.Net;
using System.Text.Json.Nodes;
using Updraft.Server.Tests.Deploys;

namespace Updraft.Server.Tests.DeploymentLog;

public sealed class DeploymentLogTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    [Fact]
    public async Task Log_lists_deploys_rollbacks_and_agents_newest_first()
    {
        var id = await Server.CreateDeploymentAsync("log");
        var first = await DeployAsync(id);
        var agent = await DeployAgent.EnrollAsync(Server, id);
        await agent.ReportActiveAsync();
        var rollback = await Server.Client.PostOkAsync($"{Path(id)}/deploys/{first}/rollback", new JsonObject());
        var abandoned = await Server.Client.PostOkAsync($"{Path(id)}/deploys", new JsonObject { ["type"] = "DAG_ONLY" });

        var log = await LogAsync(id, "?sources=scheduler&range=3600");
        var entries = log["results"]!.AsArray().Select(row => row!["raw"]!.GetValue<string>()[25..]).ToList();
        Assert.Contains($"INFO Deploy {first} (BUNDLE) was created by token owner", entries);
        Assert.Contains($"INFO Deploy {first} (BUNDLE) was finalized: revision 1 is the desired revision", entries);
        Assert.Contains($"INFO Deploy {rollback.Text("id")} (BUNDLE) was created by token owner to roll back to deploy {first}", entries);
        Assert.Contains($"INFO Deploy {rollback.Text("id")} (BUNDLE) rolled back: revision 2 is the desired revision", entries);
        Assert.Contains($"INFO Deploy {abandoned.Text("id")} (DAG_ONLY) was created by token owner", entries);
        Assert.Contains("INFO Agent scheduler on host enrolled, version 0", entries);
        Assert.Contains("INFO Agent scheduler on host reported revision 1 as ACTIVE", entries);
        Assert.Equal(7, entries.Count);
        var times = log["results"]!.AsArray().Select(row => row!["timestamp"]!.GetValue<long>()).ToList();
        Assert.Equal(times.OrderDescending(), times);
        Assert.InRange(times[0], TimeProvider.System.GetUtcNow().AddMinutes(-5).ToUnixTimeMilliseconds(), TimeProvider.System.GetUtcNow()
            .AddMinutes(1).ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task Failed_revision_is_an_error()
    {
        var id = await Server.CreateDeploymentAsync("log errors");
        await DeployAsync(id);
        var agent = await DeployAgent.EnrollAsync(Server, id);
        await agent.ReportFailedAsync("boom");

        var entry = Assert.Single((await LogAsync(id, "?sources=scheduler&searchText=ERROR"))["results"]!.AsArray());
        Assert.EndsWith(" ERROR Agent scheduler on host reported revision 1 as FAILED: boom", entry!["raw"]!.GetValue<string>(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_of_one_search_list_every_entry_once()
    {
        var id = await Server.CreateDeploymentAsync("log pages");
        for (var i = 0; i < 3; i++)
            await DeployAsync(id);
        var first = await LogAsync(id, "?sources=scheduler&limit=4");
        await DeployAsync(id);
        var second = await LogAsync(id, $"?sources=scheduler&limit=4&offset=4&searchId={first.Text("searchId")}");
        Assert.Equal((4, 2), (first["resultCount"]!.GetValue<int>(), second["resultCount"]!.GetValue<int>()));
        Assert.Equal(6, new[] { first, second }.SelectMany(page => page["results"]!.AsArray()).Select(row => row!.ToJsonString())
            .Distinct().Count());
        Assert.Equal((4, 4, 10000),
            (second["limit"]!.GetValue<int>(), second["offset"]!.GetValue<int>(), second["maxNumResults"]!.GetValue<int>()));
    }

    [Theory]
    [InlineData("?sources=scheduler", 2)]
    [InlineData("?sources=scheduler&sources=worker", 2)]
    [InlineData("?sources=worker", 0)]
    [InlineData("?sources=scheduler&searchText=FINALIZED", 1)]
    [InlineData("?sources=scheduler&searchText=nothing", 0)]
    [InlineData("?sources=scheduler&searchText=INFO", 2)]
    [InlineData("?sources=scheduler&searchText=ERROR", 0)]
    [InlineData("?sources=scheduler&maxNumResults=1", 1)]
    [InlineData("?sources=scheduler&startDate=2001-01-01T00:00:00Z&endDate=2002-01-01T00:00:00Z", 0)]
    [InlineData("?sources=scheduler&startDate=2001-01-01T00:00:00Z&endDate=2999-01-01T00:00:00Z", 2)]
    public async Task Log_has_the_entries_that_match_the_query(string query, int count)
    {
        var id = await Server.CreateDeploymentAsync($"log {query}");
        await DeployAsync(id);
        Assert.Equal(count, (await LogAsync(id, query))["resultCount"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("?sources=kernel")]
    [InlineData("?sources=scheduler&limit=0")]
    [InlineData("?sources=scheduler&range=59")]
    [InlineData("?sources=scheduler&startDate=2001-01-01T00:00:00Z")]
    [InlineData("?sources=scheduler&startDate=2002-01-01T00:00:00Z&endDate=2001-01-01T00:00:00Z")]
    [InlineData("?sources=scheduler&endDate=yesterday&startDate=2001-01-01T00:00:00Z")]
    [InlineData("?sources=scheduler&searchId=x")]
    public async Task Invalid_query_is_rejected_with_400(string query)
    {
        var id = await Server.CreateDeploymentAsync($"bad log {query}");
        using var response = await Server.Client.GetAsync($"{Path(id)}/logs{query}", TestContext.Current.CancellationToken);
        await response.ReadAsync(HttpStatusCode.BadRequest);
    }

    private string Path(string id) => $"{Server.OrganizationPath}/deployments/{id}";

    private Task<JsonObject> LogAsync(string id, string query) => Server.Client.GetOkAsync($"{Path(id)}/logs{query}");

    private async Task<string> DeployAsync(string id)
    {
        var deploy = await Server.Client.PostOkAsync($"{Path(id)}/deploys",
            new JsonObject { ["type"] = "BUNDLE", ["bundleType"] = "dbt", ["bundleMountPath"] = "/usr/local/airflow/dbt/shop" });
        await Server.Client.PostOkAsync($"{Path(id)}/deploys/{deploy.Text("id")}/finalize",
            new JsonObject { ["bundleTarballVersion"] = "" });
        return deploy.Text("id");
    }
}
