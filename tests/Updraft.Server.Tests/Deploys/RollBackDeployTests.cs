using System.Net;
using System.Text.Json;

namespace Updraft.Server.Tests.Deploys;

public sealed class RollBackDeployTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Rollback_is_a_new_deploy_with_the_content_of_the_target()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop", "one");
        var target = await deploys.DeployDagsAsync("one", DeployKind.ImageAndDag);
        var mounts = (await deploys.StateAsync()).Mounts;
        await deploys.DeployDagsAsync("two", DeployKind.ImageAndDag);
        await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop", "two");
        await deploys.DeployBundleAsync("/usr/local/airflow/dbt/other", "three");

        var back = await deploys.RollBackAsync(target.Text("id"), """{"description":"it broke"}""");

        Assert.NotEqual(target.Text("id"), back.Text("id"));
        Assert.Equal("DEPLOYED", back.Text("status"));
        Assert.Equal(target.Text("id"), back.Text("rollbackFromId"));
        Assert.Equal("it broke", back.Text("description"));
        Assert.Equal(target.Text("type"), back.Text("type"));
        Assert.Equal(target.Text("imageTag"), back.Text("imageTag"));
        Assert.Equal(target.Text("dagTarballVersion"), back.Text("dagTarballVersion"));
        Assert.True(JsonElement.DeepEquals(target.GetProperty("bundles"), back.GetProperty("bundles")));
        Assert.Equal(mounts, (await deploys.StateAsync()).Mounts);
    }

    [Fact]
    public async Task Rollback_adds_to_the_history_without_changing_it()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var target = await deploys.DeployDagsAsync("one");
        var bad = await deploys.DeployDagsAsync("two");

        var back = await deploys.RollBackAsync(target.Text("id"));

        var list = (await deploys.ListAsync()).GetProperty("deploys").EnumerateArray().ToList();
        Assert.Equal([back.Text("id"), bad.Text("id"), target.Text("id")], list.Select(deploy => deploy.Text("id")));
        Assert.True(JsonElement.DeepEquals(target, list[2]), list[2].GetRawText());
        Assert.False(back.Has("description"));
    }

    [Fact]
    public async Task Rollback_can_be_rolled_back()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var one = await deploys.DeployDagsAsync("one");
        var two = await deploys.DeployDagsAsync("two");
        var toOne = await deploys.RollBackAsync(one.Text("id"));
        var toTwo = await deploys.RollBackAsync(two.Text("id"));

        var again = await deploys.RollBackAsync(toOne.Text("id"));

        Assert.Equal(two.Text("dagTarballVersion"), toTwo.Text("dagTarballVersion"));
        Assert.Equal(one.Text("dagTarballVersion"), again.Text("dagTarballVersion"));
        Assert.Equal(toOne.Text("id"), again.Text("rollbackFromId"));
    }

    [Fact]
    public async Task Rollback_to_the_current_deploy_is_recorded()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var current = await deploys.DeployDagsAsync("one");

        var back = await deploys.RollBackAsync(current.Text("id"));

        Assert.Equal(current.Text("dagTarballVersion"), back.Text("dagTarballVersion"));
        Assert.Equal(2, (await deploys.ListAsync()).GetProperty("totalCount").GetInt64());
        Assert.Equal(2, await deploys.RevisionAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rollback_restores_the_DAG_deploy_setting(bool dagDeploys)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server, dagDeploys);
        var target = dagDeploys
            ? await deploys.DeployDagsAsync()
            : await deploys.FinalizeAsync((await deploys.CreateAsync(DeployKind.ImageAndDag)).Text("id"), "{}");
        await deploys.SetDagDeployAsync(!dagDeploys);

        var back = await deploys.RollBackAsync(target.Text("id"));

        Assert.Equal(dagDeploys, back.GetProperty("isDagDeployEnabled").GetBoolean());
        Assert.Equal(dagDeploys, await deploys.IsDagDeployEnabledAsync());
    }

    [Fact]
    public async Task Rollback_restores_a_deleted_bundle()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var target = await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop");
        await deploys.FinalizeAsync((await deploys.CreateAsync(DeployKind.Bundle)).Text("id"), """{"bundleTarballVersion":""}""");
        Assert.Empty((await deploys.StateAsync()).Mounts);

        var back = await deploys.RollBackAsync(target.Text("id"));

        Assert.Equal("BUNDLE", back.Text("type"));
        Assert.Equal("/usr/local/airflow/dbt/shop", back.Text("bundleMountPath"));
        Assert.Single((await deploys.StateAsync()).Mounts);
    }

    [Fact]
    public async Task Rollback_to_an_unfinalized_deploy_is_rejected_with_400()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);

        var error = (await deploys.TryRollBackAsync(deploy.Text("id"))).Refusal();

        Assert.Contains("was never finalized", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("clvetru2w000201mowqwua63n")]
    [InlineData("nonsense")]
    public async Task Unknown_deploy_is_rejected_with_404(string id)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        (await deploys.TryRollBackAsync(id)).Refusal(HttpStatusCode.NotFound);
        (await deploys.TryFinalizeAsync(id, "{}")).Refusal(HttpStatusCode.NotFound);
        (await deploys.SendAsync(HttpMethod.Get, "/" + id)).Refusal(HttpStatusCode.NotFound);
        (await deploys.SendAsync(HttpMethod.Post, "/" + id, "{}")).Refusal(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Rollback_needs_a_body_and_limits_its_description()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var target = await deploys.DeployDagsAsync();

        (await deploys.SendAsync(HttpMethod.Post, $"/{target.Text("id")}/rollback", "")).Refusal();
        (await deploys.TryRollBackAsync(target.Text("id"), $$"""{"description":"{{new string('x', 501)}}"}""")).Refusal();

        Assert.Equal(1, (await deploys.ListAsync()).GetProperty("totalCount").GetInt64());
    }

    [Fact]
    public async Task Finalize_of_a_rollback_is_rejected_with_400()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var target = await deploys.DeployDagsAsync();
        var back = await deploys.RollBackAsync(target.Text("id"));

        var error = (await deploys.TryFinalizeAsync(back.Text("id"),
            $$"""{"dagTarballVersion":"{{target.Text("dagTarballVersion")}}"}""")).Refusal();

        Assert.Contains("is a rollback", error, StringComparison.Ordinal);
    }
}
