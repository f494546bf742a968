using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Clusters;

public sealed class ClusterTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private string Clusters => $"{Server.OrganizationPath}/clusters";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Only_cluster_has_all_required_fields_of_the_contract()
    {
        var listed = Assert.Single((await Server.Client.GetOkAsync(Clusters))["clusters"]!.AsArray())!.AsObject();
        var read = await Server.Client.GetOkAsync($"{Clusters}/{listed.Text("id")}");
        Assert.True(JsonNode.DeepEquals(listed, read));
        string[] required = ["cloudProvider", "createdAt", "dbInstanceType", "drRegion", "id", "isDrEnabled", "name", "organizationId",
            "region", "status",
            "type", "updatedAt", "vpcSubnetRange"];
        Assert.All(required, field => Assert.NotNull(read[field]));
        string[] pool = ["cloudProvider", "clusterId", "createdAt", "id", "isDefault", "maxNodeCount", "name", "nodeInstanceType",
            "updatedAt"];
        Assert.All(pool, field => Assert.NotNull(read["nodePools"]![0]![field]));
        Assert.Matches("^c[a-z0-9]{24}$", read.Text("id"));
    }

    [Fact]
    public async Task Cluster_keeps_its_IDs_after_a_restart_with_new_settings()
    {
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Clusters:Name"] = "rack 7",
            ["Clusters:CloudProvider"] = "GCP",
            ["Clusters:Region"] = "cellar",
        });
        var before = (await server.Client.GetOkAsync($"{server.OrganizationPath}/clusters")).ToJsonString();
        await server.RestartAsync();
        Assert.Equal(before, (await server.Client.GetOkAsync($"{server.OrganizationPath}/clusters")).ToJsonString());
        Assert.Contains("rack 7", before, StringComparison.Ordinal);
        var created = await server.Client.PostOkAsync($"{server.OrganizationPath}/deployments",
            new JsonObject { ["name"] = "a", ["workspaceId"] = server.WorkspaceId, ["type"] = "DEDICATED" });
        Assert.Equal(("GCP", "cellar", "rack 7"), (created.Text("cloudProvider"), created.Text("region"), created.Text("clusterName")));
    }

    [Theory]
    [InlineData("?names=self-hosted", 1)]
    [InlineData("?names=other", 0)]
    [InlineData("?provider=AWS&sorts=name%3Adesc", 1)]
    [InlineData("?provider=GCP", 0)]
    public async Task List_can_be_filtered(string query, int total) =>
        Assert.Equal(total, (await Server.Client.GetOkAsync(Clusters + query))["totalCount"]!.GetValue<int>());

    [Fact]
    public async Task Creation_update_and_deletion_of_a_cluster_are_400()
    {
        var id = (await Server.Client.GetOkAsync(Clusters))["clusters"]![0]!["id"]!.GetValue<string>();
        foreach (var path in (string[])[Clusters, $"{Clusters}/{id}"])
            Assert.Contains("exactly one cluster", await Server.Client.PostErrorAsync(path, "{}", HttpStatusCode.BadRequest),
                StringComparison.Ordinal);
        using var deletion = await Server.Client.DeleteAsync($"{Clusters}/{id}", Cancelled);
        await deletion.ReadAsync(HttpStatusCode.BadRequest);
        using var unknown = await Server.Client.GetAsync($"{Clusters}/c00000000000000000unknown", Cancelled);
        await unknown.ReadAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Cluster_options_are_a_bare_array_with_all_required_fields()
    {
        var text = await Server.Client.GetStringAsync($"{Server.OrganizationPath}/cluster-options?provider=AWS&type=DEDICATED", Cancelled);
        var options = Assert.Single(Assert.IsType<JsonArray>(JsonNode.Parse(text)))!.AsObject();
        string[] required = ["databaseInstances", "defaultDatabaseInstance", "defaultNodeInstance", "defaultRegion",
            "defaultVpcSubnetRange",
            "nodeCountDefault", "nodeCountMax", "nodeCountMin", "nodeInstances", "provider", "regions"];
        Assert.All(required, field => Assert.NotNull(options[field]));
        Assert.NotNull(options["regions"]![0]!["name"]);
        // Never empty, because clients use the first entry without a check.
        Assert.Equal(text, await Server.Client.GetStringAsync($"{Server.OrganizationPath}/cluster-options?provider=GCP&type=HYBRID",
            Cancelled));
    }
}
