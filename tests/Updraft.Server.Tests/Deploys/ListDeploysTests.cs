using System.Text.Json;

namespace Updraft.Server.Tests.Deploys;

public sealed class ListDeploysTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Deployment_without_deploys_has_an_empty_list()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        Assert.Equal("""{"deploys":[],"limit":20,"offset":0,"totalCount":0}""", (await deploys.ListAsync()).GetRawText());
    }

    [Theory]
    [InlineData("", 0, 20, 24, 5)]
    [InlineData("?limit=0", 0, 0, -1, 0)]
    [InlineData("?limit=1", 0, 1, 24, 24)]
    [InlineData("?limit=20&offset=20", 20, 20, 4, 0)]
    [InlineData("?offset=3&limit=2", 3, 2, 21, 20)]
    [InlineData("?offset=24&limit=1000", 24, 1000, 0, 0)]
    [InlineData("?offset=25", 25, 20, -1, 0)]
    [InlineData("?offset=2147483647&limit=1000", int.MaxValue, 1000, -1, 0)]
    [InlineData("?limit=2&search=x&sorts=name", 0, 2, 24, 23)]
    public async Task Page_lists_the_newest_deploys_first(string query, int offset, int limit, int newest, int oldest)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        for (var i = 0; i < 25; i++)
            await deploys.CreateAsync($$"""{"type":"DAG_ONLY","description":"{{i}}"}""");

        var list = await deploys.ListAsync(query);

        Assert.Equal(Enumerable.Range(0, 25).Reverse().Where(i => i <= newest && i >= oldest).Select(i => $"{i}"),
            list.GetProperty("deploys").EnumerateArray().Select(deploy => deploy.Text("description")));
        Assert.Equal((offset, limit, 25),
            (list.GetProperty("offset").GetInt32(), list.GetProperty("limit").GetInt32(), list.GetProperty("totalCount").GetInt32()));
    }

    [Theory]
    [InlineData("?limit=-1")]
    [InlineData("?limit=1001")]
    [InlineData("?limit=many")]
    [InlineData("?offset=-1")]
    [InlineData("?offset=1e3")]
    public async Task Invalid_page_is_rejected_with_400(string query)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        (await deploys.SendAsync(HttpMethod.Get, query)).Refusal();
    }

    [Fact]
    public async Task List_entry_equals_the_single_deploy()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync();
        await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop");
        await deploys.CreateAsync(DeployKind.ImageOnly);

        var list = (await deploys.ListAsync()).GetProperty("deploys").EnumerateArray().ToList();

        Assert.Equal(3, list.Count);
        foreach (var deploy in list)
            Assert.True(JsonElement.DeepEquals(await deploys.GetAsync(deploy.Text("id")), deploy), deploy.GetRawText());
    }

    [Fact]
    public async Task List_contains_only_deploys_of_its_Deployment()
    {
        var theirs = await DeploysApi.NewDeploymentAsync(server);
        await theirs.CreateAsync(DeployKind.DagOnly);
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var own = await deploys.CreateAsync(DeployKind.DagOnly);

        var list = await deploys.ListAsync();

        Assert.Equal(own.Text("id"), Assert.Single(list.GetProperty("deploys").EnumerateArray()).Text("id"));
        Assert.Equal(1, list.GetProperty("totalCount").GetInt32());
    }

    [Fact]
    public async Task Each_entry_has_the_versions_after_its_deploy()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var first = await deploys.DeployDagsAsync("one");
        var second = await deploys.DeployDagsAsync("two");
        var bundle = await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop");

        var list = (await deploys.ListAsync()).GetProperty("deploys").EnumerateArray().ToList();

        Assert.Equal([second.Text("dagTarballVersion"), second.Text("dagTarballVersion"), first.Text("dagTarballVersion")],
            list.Select(deploy => deploy.Text("dagTarballVersion")));
        Assert.Equal([1, 0, 0], list.Select(deploy => deploy.GetProperty("bundles").GetArrayLength()));
        Assert.Equal(bundle.Text("id"), list[0].Text("id"));
    }
}
