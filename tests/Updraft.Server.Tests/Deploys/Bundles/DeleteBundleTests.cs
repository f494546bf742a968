using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Deploys.Bundles;

/// <summary>Deletes bundles, which stay visible while a live agent mounts them.</summary>
public sealed class DeleteBundleTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Shop = "/usr/local/airflow/dbt/shop";

    private UpdraftServer Server => shared.Server;

    [Fact]
    public async Task Deleted_bundle_is_pending_until_no_live_agent_mounts_it()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var id = (await bundles.CreateDagAsync("finance")).Text("id");
        var main = (await bundles.DeployDagsAsync("main")).Text("dagTarballVersion");
        var version = (await bundles.DeployDagsAsync("one", "finance")).Text("dagTarballVersion");
        await bundles.ReportActiveAsync();

        Assert.Equal(HttpStatusCode.NoContent, await bundles.DeleteAsync(id));

        var pending = await bundles.GetAsync(id);
        Assert.True((bool)pending["deletionIsPending"]!);
        Assert.Null(pending["desiredVersion"]);
        Assert.Equal(version, pending.Text("currentVersion"));
        Assert.Equal([id], (await bundles.ListAsync()).Where(bundle => (bool)bundle["deletionIsPending"]!)
            .Select(bundle => bundle.Text("id")));
        Assert.Equal(HttpStatusCode.NoContent, await bundles.DeleteAsync(id));
        Assert.Equal(new Dictionary<string, string> { ["dags"] = main }, await bundles.MountsAsync());

        await bundles.ReportActiveAsync();

        Assert.Equal(["main"], (await bundles.ListAsync()).Select(bundle => bundle.Text("name")));
        using var gone = await Server.Client.GetAsync($"{bundles.Bundles}/{id}", TestContext.Current.CancellationToken);
        await gone.ReadAsync(HttpStatusCode.NotFound);
        Assert.Equal(HttpStatusCode.NoContent, await bundles.DeleteAsync(id));
    }

    [Fact]
    public async Task Deletion_is_a_deploy_and_a_second_deletion_is_not()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        await bundles.DeployBundleAsync(Shop, "one");
        var id = (await bundles.AtAsync(Shop)).Text("id");

        await bundles.DeleteAsync(id);
        await bundles.DeleteAsync(id);

        var list = await Server.Client.GetOkAsync(bundles.Deploys);
        Assert.Equal(2, list["totalCount"]!.GetValue<int>());
        var newest = list["deploys"]![0]!.AsObject();
        Assert.Equal(("BUNDLE", "DEPLOYED", Shop), (newest.Text("type"), newest.Text("status"), newest.Text("bundleMountPath")));
        Assert.Empty(newest["bundles"]!.AsArray());
        Assert.Empty(await bundles.MountsAsync());
    }

    [Fact]
    public async Task Deletion_of_a_bundle_without_a_version_creates_no_deploy()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var id = (await bundles.CreateDagAsync("finance")).Text("id");

        await bundles.DeleteAsync(id);

        Assert.Single(await bundles.ListAsync());
        Assert.Equal(0, (await Server.Client.GetOkAsync(bundles.Deploys))["totalCount"]!.GetValue<int>());
    }

    [Fact]
    public async Task Default_bundle_and_bundles_in_use_cannot_be_deleted()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var (finance, main) = ((await bundles.CreateDagAsync("finance")).Text("id"), (await bundles.MainAsync()).Text("id"));
        var shop = (await bundles.CreateNonDagAsync(Shop, finance)).Text("id");

        Assert.Contains("cannot be deleted", await bundles.DeleteErrorAsync(main));
        Assert.Contains($"The bundle at {Shop} uses this DAG bundle only", await bundles.DeleteErrorAsync(finance));

        await Server.Client.PostOkAsync($"{bundles.Bundles}/{shop}", new JsonObject { ["dagBundleIds"] = new JsonArray(finance, main) });
        await bundles.DeleteAsync(finance);
        Assert.Equal([main], (await bundles.GetAsync(shop))["dagBundleIds"]!.AsArray().Select(id => (string)id!));
        using var unknown = await Server.Client.DeleteAsync($"{bundles.Bundles}/clvetru2w000201mowqwua63n",
            TestContext.Current.CancellationToken);
        await unknown.ReadAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Bundle_that_is_created_again_keeps_id_and_history()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var id = (await bundles.CreateDagAsync("finance")).Text("id");
        var version = (await bundles.DeployDagsAsync("one", "finance")).Text("dagTarballVersion");
        await bundles.DeleteAsync(id);

        var again = await bundles.CreateDagAsync("finance");

        Assert.Equal(id, again.Text("id"));
        Assert.False((bool)again["deletionIsPending"]!);
        Assert.Null(again["desiredVersion"]);
        Assert.Equal([version], await bundles.VersionsAsync(id));
    }

    [Fact]
    public async Task Restored_bundle_uses_only_existing_DAG_bundles()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var (finance, main) = ((await bundles.CreateDagAsync("finance")).Text("id"), (await bundles.MainAsync()).Text("id"));
        var shop = (await bundles.CreateNonDagAsync(Shop, finance)).Text("id");
        await bundles.DeployDagsAsync("finance", "finance");
        var both = await bundles.DeployBundleAsync(Shop, "one");
        await bundles.DeployBundleAsync(Shop, null);
        await bundles.DeleteAsync(finance);

        await bundles.DeployBundleAsync(Shop, "two");
        Assert.Equal([main], (await bundles.GetAsync(shop))["dagBundleIds"]!.AsArray().Select(id => (string)id!));

        await bundles.CreateDagAsync("finance");
        await Server.Client.PostOkAsync($"{bundles.Bundles}/{shop}", new JsonObject { ["dagBundleIds"] = new JsonArray(finance) });
        await bundles.DeployBundleAsync(Shop, null);
        await bundles.DeleteAsync(finance);
        await bundles.RollBackDeployAsync(both.Text("id"));
        Assert.Equal([finance], (await bundles.GetAsync(shop))["dagBundleIds"]!.AsArray().Select(id => (string)id!));
    }

    [Fact]
    public async Task Finalize_to_a_deleted_bundle_is_rejected_with_400()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var id = (await bundles.CreateDagAsync("finance")).Text("id");
        var deploy = await Server.Client.PostOkAsync(bundles.AlphaDeploys,
            new JsonObject { ["type"] = "DAG", ["dagBundleName"] = "finance" });
        var version = await bundles.UploadAsync(deploy.Text("dagsUploadUrl"), "late");
        await bundles.DeleteAsync(id);

        var message = await Server.Client.PostErrorAsync($"{bundles.Deploys}/{deploy.Text("id")}/finalize",
            $$"""{"dagTarballVersion":"{{version}}"}""", HttpStatusCode.BadRequest);

        Assert.Contains("has no DAG bundle 'finance'", message);
        Assert.Empty(await bundles.MountsAsync());
    }

    [Fact]
    public async Task Reader_cannot_change_bundles()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var id = (await bundles.CreateDagAsync("finance")).Text("id");
        var reader = Server.ClientWith(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", Server.WorkspaceId));

        Assert.Equal(2, (await reader.GetOkAsync(bundles.Bundles))["totalCount"]!.GetValue<int>());
        await reader.PostErrorAsync(bundles.Bundles, """{"name":"x"}""", HttpStatusCode.Forbidden);
        await reader.PostErrorAsync($"{bundles.Bundles}/{id}", "{}", HttpStatusCode.Forbidden);
        await reader.PostErrorAsync($"{bundles.Bundles}/{id}/rollback", """{"version":"x"}""", HttpStatusCode.Forbidden);
        using var response = await reader.DeleteAsync($"{bundles.Bundles}/{id}", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }
}
