using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Deploys.Bundles;

/// <summary>The version history of a bundle, rollbacks of one bundle, and the effect of deploy rollbacks on bundles.</summary>
public sealed class RollBackBundleTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Shop = "/usr/local/airflow/dbt/shop";

    private UpdraftServer Server => shared.Server;

    [Fact]
    public async Task Bundle_rollback_changes_one_bundle_and_adds_to_its_history()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var id = (await bundles.CreateDagAsync("finance")).Text("id");
        var first = await bundles.DeployDagsAsync("one", "finance");
        var (one, two) = (first.Text("dagTarballVersion"), (await bundles.DeployDagsAsync("two", "finance")).Text("dagTarballVersion"));
        await bundles.DeployDagsAsync("main");
        await bundles.DeployBundleAsync(Shop, "shop");
        var image = await Server.Client.PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "IMAGE_ONLY" });
        await bundles.FinalizeAsync(image.Text("id"), "dagTarballVersion", "");
        var before = await bundles.StateAsync();

        var response = await bundles.RollBackAsync(id, one);

        Assert.Equal((id, one), (response.Text("id"), response.Text("desiredVersion")));
        var after = await bundles.StateAsync();
        Assert.Equal(before.Mounts.Select(mount => mount.Path == "bundles/finance" ? one : mount.Version),
            after.Mounts.Select(mount => mount.Version));
        Assert.Equal(before.Mounts.Select(mount => mount.Path), after.Mounts.Select(mount => mount.Path));
        Assert.Equal(before.Image, after.Image);
        Assert.Equal([one, two, one], await bundles.VersionsAsync(id));

        var deploy = await Server.Client.GetOkAsync($"{bundles.Deploys}/{after.DeployId}");
        Assert.Equal(("DAG_ONLY", "DEPLOYED", "back"), (deploy.Text("type"), deploy.Text("status"), deploy.Text("description")));
        Assert.Equal((one, first.Text("id")), (deploy.Text("dagTarballVersion"), deploy.Text("rollbackFromId")));
        Assert.Equal(image.Text("imageTag"), deploy.Text("imageTag"));
    }

    [Fact]
    public async Task Bundle_history_has_creator_time_and_deploy()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        await bundles.DeployBundleAsync(Shop, "one");
        var id = (await bundles.AtAsync(Shop)).Text("id");
        var one = (await bundles.AtAsync(Shop)).Text("desiredVersion");
        var second = await bundles.DeployBundleAsync(Shop, "two");
        await bundles.RollBackAsync(id, one);

        var page = await Server.Client.GetOkAsync($"{bundles.Bundles}/{id}/versions?limit=2");

        Assert.Equal((2, 0, 3), ((int)page["limit"]!, (int)page["offset"]!, (int)page["totalCount"]!));
        var (newest, middle) = (page["versions"]![0]!.AsObject(), page["versions"]![1]!.AsObject());
        Assert.Equal((one, true, "back"), (newest.Text("version"), (bool)newest["isDesired"]!, newest.Text("description")));
        Assert.True(newest.ContainsKey("rollbackFromId"));
        Assert.Equal((second.Text("id"), false), (middle.Text("deployId"), (bool)middle["isDesired"]!));
        Assert.False(middle.ContainsKey("rollbackFromId"));
        Assert.Equal("SERVICEKEY", middle["createdBySubject"]!["subjectType"]!.GetValue<string>());
        Assert.Single((await Server.Client.GetOkAsync($"{bundles.Bundles}/{id}/versions?offset=2&limit=1000"))["versions"]!.AsArray());
        Assert.Empty((await Server.Client.GetOkAsync($"{bundles.Bundles}/{id}/versions?offset=3"))["versions"]!.AsArray());
    }

    [Fact]
    public async Task Rollback_to_an_unknown_bundle_version_is_rejected_with_400()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var main = (await bundles.DeployDagsAsync("main")).Text("dagTarballVersion");
        await bundles.CreateDagAsync("finance");
        await bundles.DeployDagsAsync("finance", "finance");
        var id = (await bundles.ListAsync()).Single(bundle => (string?)bundle["name"] == "finance").Text("id");
        var path = $"{bundles.Bundles}/{id}/rollback";
        var revision = (await bundles.StateAsync()).Revision;

        Assert.Contains("is required", await Server.Client.PostErrorAsync(path, "{}", HttpStatusCode.BadRequest));
        Assert.Contains("never had", await Server.Client.PostErrorAsync(path, $$"""{"version":"{{main}}"}""", HttpStatusCode.BadRequest));
        Assert.Contains("at most 256", await Server.Client.PostErrorAsync(path, $$"""{"version":"{{new string('1', 257)}}"}""",
            HttpStatusCode.BadRequest));
        Assert.Contains("at most 500", await Server.Client.PostErrorAsync(path,
            $$"""{"version":"x","description":"{{new string('x', 501)}}"}""", HttpStatusCode.BadRequest));
        await Server.Client.PostErrorAsync($"{bundles.Bundles}/clvetru2w000201mowqwua63n/rollback", """{"version":"x"}""",
            HttpStatusCode.NotFound);
        Assert.Equal(revision, (await bundles.StateAsync()).Revision);
        await bundles.DeleteAsync(id);
        Assert.Contains("was deleted", await Server.Client.PostErrorAsync(path, """{"version":"x"}""", HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task Deploy_rollback_restores_every_named_bundle()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        await bundles.DeployDagsAsync("main one");
        var finance = (await bundles.CreateDagAsync("finance")).Text("id");
        await bundles.DeployDagsAsync("finance one", "finance");
        var good = await bundles.DeployBundleAsync(Shop, "shop one");
        var then = await bundles.MountsAsync();
        await bundles.DeployDagsAsync("main two");
        await bundles.DeployDagsAsync("finance two", "finance");
        await bundles.DeployBundleAsync(Shop, null);
        await bundles.DeleteAsync(finance);

        await bundles.RollBackDeployAsync(good.Text("id"));

        Assert.Equal(then, await bundles.MountsAsync());
        var restored = await bundles.GetAsync(finance);
        Assert.False((bool)restored["deletionIsPending"]!);
        Assert.Equal(then["bundles/finance"], restored.Text("desiredVersion"));
        Assert.Equal(3, (await bundles.VersionsAsync(finance)).Count);
        Assert.Equal(then["dbt/shop"], (await bundles.AtAsync(Shop)).Text("desiredVersion"));
    }

    [Fact]
    public async Task Rollback_to_before_a_bundle_unmounts_it()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var before = await bundles.DeployDagsAsync("main");
        var id = (await bundles.CreateDagAsync("finance")).Text("id");
        await bundles.DeployDagsAsync("finance", "finance");

        await bundles.RollBackDeployAsync(before.Text("id"));

        Assert.Equal(["dags"], (await bundles.MountsAsync()).Keys);
        var bundle = await bundles.GetAsync(id);
        Assert.Null(bundle["desiredVersion"]);
        Assert.False((bool)bundle["deletionIsPending"]!);
        await bundles.DeployDagsAsync("again", "finance");
    }

    [Fact]
    public async Task API_token_changes_bundles_while_CICD_is_enforced()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server, isCicdEnforced: true);
        var id = (await bundles.CreateDagAsync("finance")).Text("id");
        var version = (await bundles.DeployDagsAsync("one", "finance")).Text("dagTarballVersion");
        await bundles.RollBackAsync(id, version);
        Assert.Equal(HttpStatusCode.NoContent, await bundles.DeleteAsync(id));
    }
}
