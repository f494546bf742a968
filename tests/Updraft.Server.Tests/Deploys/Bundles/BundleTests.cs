using System.Net;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Deployments;

namespace Updraft.Server.Tests.Deploys.Bundles;

/// <summary>Creates, changes and lists bundles.</summary>
public sealed class BundleTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Shop = "/usr/local/airflow/dbt/shop";

    private UpdraftServer Server => shared.Server;

    [Fact]
    public async Task New_Deployment_has_the_bundle_main_with_a_stable_id()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);

        var main = Assert.Single(await bundles.ListAsync());

        Assert.Equal(("main", true, true, false),
            (main.Text("name"), (bool)main["isDefault"]!, (bool)main["isDagBundle"]!, (bool)main["deletionIsPending"]!));
        Assert.Equal("DEPLOY", main.Text("type"));
        Assert.Null(main["desiredVersion"]);
        Assert.Equal(main.Text("id"), (await bundles.MainAsync()).Text("id"));
        Assert.True(EntityId.IsValid(main.Text("id")));
    }

    [Fact]
    public async Task Deployment_without_DAG_deploys_has_no_bundles()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server, dagDeploys: false);

        Assert.Equal("""{"bundles":[],"limit":20,"offset":0,"totalCount":0}""",
            (await Server.Client.GetOkAsync(bundles.Bundles)).ToJsonString());
        Assert.Contains("enable DAG deploys", await bundles.CreateErrorAsync("""{"name":"finance"}"""));
    }

    [Fact]
    public async Task Named_bundle_has_its_own_directory_and_version()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var main = await bundles.DeployDagsAsync("main");
        var finance = await bundles.CreateDagAsync("finance");
        Assert.Null(finance["desiredVersion"]);

        var deploy = await bundles.DeployDagsAsync("finance", "finance");

        var mounts = (await bundles.StateAsync()).Mounts;
        Assert.Equal(["dags", "bundles/finance"], mounts.Select(mount => mount.Path));
        Assert.Equal([main.Text("dagTarballVersion"), deploy.Text("dagTarballVersion")], mounts.Select(mount => mount.Version));
        Assert.Equal(["dags", "dags"], mounts.Select(mount => mount.Subfolder));
        Assert.Equal(deploy.Text("dagTarballVersion"), (await bundles.GetAsync(finance.Text("id"))).Text("desiredVersion"));
        Assert.Equal(main.Text("dagTarballVersion"), (await bundles.MainAsync()).Text("desiredVersion"));
        Assert.Empty(deploy["bundles"]!.AsArray());
    }

    [Fact]
    public async Task Current_version_is_the_reported_one()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var id = (await bundles.CreateDagAsync("finance")).Text("id");
        var first = (await bundles.DeployDagsAsync("one", "finance")).Text("dagTarballVersion");
        await bundles.ReportActiveAsync();
        var second = (await bundles.DeployDagsAsync("two", "finance")).Text("dagTarballVersion");

        var before = await bundles.GetAsync(id);
        await bundles.ReportActiveAsync();
        var after = await bundles.GetAsync(id);

        Assert.Equal((first, second), (before.Text("currentVersion"), before.Text("desiredVersion")));
        Assert.Equal((second, second), (after.Text("currentVersion"), after.Text("desiredVersion")));
    }

    [Fact]
    public async Task First_deploy_creates_the_bundle_at_its_mount_path()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var deploy = await bundles.DeployBundleAsync(Shop, "one");

        var shop = await bundles.AtAsync(Shop);

        Assert.Equal("dbt", shop.Text("nonDagBundleType"));
        Assert.Equal([(await bundles.MainAsync()).Text("id")], shop["dagBundleIds"]!.AsArray().Select(id => (string)id!));
        Assert.Equal(deploy["bundles"]![0]!["desiredVersion"]!.GetValue<string>(), shop.Text("desiredVersion"));
        Assert.Null(shop["name"]);
        await bundles.DeployBundleAsync(Shop, "two");
        Assert.Equal(shop.Text("id"), (await bundles.AtAsync(Shop)).Text("id"));
    }

    [Fact]
    public async Task Created_non_DAG_bundle_has_the_requested_DAG_bundles()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var finance = (await bundles.CreateDagAsync("finance")).Text("id");
        var main = (await bundles.MainAsync()).Text("id");

        var shop = await bundles.CreateNonDagAsync(Shop, finance, main, finance);
        var plain = await Server.Client.PostOkAsync(bundles.Bundles,
            new JsonObject { ["nonDagMountPath"] = "/usr/local/airflow/include/x/" });

        Assert.Equal([finance, main], shop["dagBundleIds"]!.AsArray().Select(id => (string)id!));
        Assert.Equal(("none", "/usr/local/airflow/include/x"), (plain.Text("nonDagBundleType"), plain.Text("nonDagMountPath")));
        Assert.Equal([main], plain["dagBundleIds"]!.AsArray().Select(id => (string)id!));
    }

    [Theory]
    [InlineData("""{}""", "nonDagMountPath")]
    [InlineData("""{"isDagBundle":true}""", "'name' of a DAG bundle must be 1 to 32")]
    [InlineData("""{"name":""}""", "'name' of a DAG bundle must be 1 to 32")]
    [InlineData("""{"name":"Finance"}""", "'name' of a DAG bundle must be 1 to 32")]
    [InlineData("""{"name":"a b"}""", "'name' of a DAG bundle must be 1 to 32")]
    [InlineData("""{"name":"a/b"}""", "'name' of a DAG bundle must be 1 to 32")]
    [InlineData("""{"name":"a\n"}""", "'name' of a DAG bundle must be 1 to 32")]
    [InlineData("""{"name":"123456789012345678901234567890123"}""", "'name' of a DAG bundle must be 1 to 32")]
    [InlineData("""{"name":"main"}""", "default DAG bundle")]
    [InlineData("""{"name":"x","nonDagMountPath":"/usr/local/airflow/x"}""", "are for non-DAG bundles only")]
    [InlineData("""{"name":"x","dagBundleIds":["y"]}""", "are for non-DAG bundles only")]
    [InlineData("""{"isDagBundle":false,"name":"x","nonDagMountPath":"/usr/local/airflow/x"}""", "is for DAG bundles only")]
    [InlineData("""{"nonDagMountPath":"/etc/x"}""", "nonDagMountPath '/etc/x' is not below")]
    [InlineData("""{"nonDagMountPath":"/usr/local/airflow/dags"}""", "belongs to the DAG bundle")]
    [InlineData("""{"nonDagMountPath":"/usr/local/airflow/dags/x"}""", "such as /usr/local/airflow/x, and name it")]
    [InlineData("""{"nonDagMountPath":"/usr/local/airflow/bundles/x"}""", "named DAG bundles")]
    [InlineData("""{"nonDagMountPath":"/usr/local/airflow/x","nonDagBundleType":"$dags"}""", "nonDagBundleType '$dags' is invalid")]
    [InlineData("""{"nonDagMountPath":"/usr/local/airflow/x","dagBundleIds":["clvetru2w000201mowqwua63n"]}""", "which is not a DAG bundle")]
    [InlineData("""{"name":"x","type":"GIT"}""", "'type' is 'GIT'")]
    public async Task Invalid_bundle_is_rejected_with_400(string body, string message)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);

        Assert.Contains(message, await bundles.CreateErrorAsync(body));
        Assert.Single(await bundles.ListAsync());
    }

    [Theory]
    [InlineData("a")]
    [InlineData("12345678901234567890123456789012")]
    [InlineData("-team_1-")]
    public async Task Bundle_name_may_have_32_lower_case_characters(string name)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);

        Assert.Equal(name, (await bundles.CreateDagAsync(name)).Text("name"));
    }

    [Fact]
    public async Task Mount_paths_are_unique_and_do_not_overlap()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        await bundles.CreateDagAsync("finance");
        await bundles.CreateNonDagAsync(Shop);

        Assert.Contains("already", await bundles.CreateErrorAsync("""{"name":"finance"}"""));
        Assert.Contains("already", await bundles.CreateErrorAsync($$"""{"nonDagMountPath":"{{Shop}}/"}"""));
        Assert.Contains("is inside the bundle", await bundles.CreateErrorAsync($$"""{"nonDagMountPath":"{{Shop}}/models"}"""));
        Assert.Contains("contains the bundle", await bundles.CreateErrorAsync("""{"nonDagMountPath":"/usr/local/airflow/dbt"}"""));
        Assert.Contains("is inside the bundle", await Server.Client.PostErrorAsync(bundles.Deploys,
            $$"""{"type":"BUNDLE","bundleType":"dbt","bundleMountPath":"{{Shop}}/models"}""", HttpStatusCode.BadRequest));
    }

    [Theory]
    [InlineData("2.10.4", true)]
    [InlineData("1.10", true)]
    [InlineData("3.0.1", false)]
    [InlineData("10.0", false)]
    [InlineData("", false)]
    [InlineData("NA", false)]
    public async Task Named_DAG_bundles_need_Airflow_3_if_the_version_is_known(string airflow, bool isRejected)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        await using (var scope = Server.Services.CreateAsyncScope())
        {
            var id = new DeploymentId(bundles.DeploymentId);
            await scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().Deployments.Where(row => row.Id == id)
                .ExecuteUpdateAsync(row => row.SetProperty(deployment => deployment.AirflowVersion, airflow),
                    TestContext.Current.CancellationToken);
        }

        if (isRejected)
            Assert.Contains("need Airflow 3", await bundles.CreateErrorAsync("""{"name":"finance"}"""));
        else
            await bundles.CreateDagAsync("finance");
        await bundles.CreateNonDagAsync(Shop);
    }

    [Fact]
    public async Task Update_changes_the_given_fields_of_a_bundle_only()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var (finance, main) = ((await bundles.CreateDagAsync("finance")).Text("id"), (await bundles.MainAsync()).Text("id"));
        var shop = $"{bundles.Bundles}/{(await bundles.CreateNonDagAsync(Shop)).Text("id")}";

        var described = await Server.Client.PostOkAsync(shop, new JsonObject { ["description"] = "the shop" });
        var moved = await Server.Client.PostOkAsync(shop, new JsonObject { ["dagBundleIds"] = new JsonArray(finance) });

        Assert.Equal([main], described["dagBundleIds"]!.AsArray().Select(id => (string)id!));
        Assert.Equal("the shop", moved.Text("description"));
        Assert.Equal([finance], moved["dagBundleIds"]!.AsArray().Select(id => (string)id!));
        Assert.Contains("is empty", await Server.Client.PostErrorAsync(shop, """{"dagBundleIds":[]}""", HttpStatusCode.BadRequest));
        Assert.Contains("not a DAG bundle",
            await Server.Client.PostErrorAsync(shop, """{"dagBundleIds":["x"]}""", HttpStatusCode.BadRequest));
        Assert.Contains("at most 500", await Server.Client.PostErrorAsync(shop,
            $$"""{"description":"{{new string('x', 501)}}"}""", HttpStatusCode.BadRequest));
        Assert.Contains("is for non-DAG bundles only", await Server.Client.PostErrorAsync($"{bundles.Bundles}/{main}",
            $$"""{"dagBundleIds":["{{finance}}"]}""", HttpStatusCode.BadRequest));
        await Server.Client.PostErrorAsync($"{bundles.Bundles}/clvetru2w000201mowqwua63n", "{}", HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Bundle_list_can_be_filtered_by_kind()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        await bundles.CreateDagAsync("finance");
        await bundles.CreateNonDagAsync(Shop);

        Assert.Equal(["main", "finance"], (await bundles.ListAsync("?isDagBundle=true&limit=1000&offset=0&type=DEPLOY"))
            .Select(bundle => bundle.Text("name")));
        Assert.Equal([Shop], (await bundles.ListAsync("?isDagBundle=false&sorts=x&unknown=1"))
            .Select(bundle => bundle.Text("nonDagMountPath")));
        using var response = await Server.Client.GetAsync($"{bundles.Bundles}?type=GIT", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Theory]
    [InlineData("/v1")]
    [InlineData("/labs/v1.1")]
    [InlineData("/platform/v1beta1")]
    [InlineData("/v1alpha1")]
    public async Task Every_version_of_the_API_serves_bundles(string prefix)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var path = bundles.Bundles.Replace("/v1/", prefix + "/", StringComparison.Ordinal);

        var made = await Server.Client.PostOkAsync(path,
            new JsonObject { ["type"] = "DEPLOY", ["isDagBundle"] = true, ["name"] = "finance" });

        Assert.Equal(2, (await Server.Client.GetOkAsync(path))["totalCount"]!.GetValue<int>());
        Assert.True(JsonNode.DeepEquals(made, await Server.Client.GetOkAsync($"{path}/{made.Text("id")}")));
        Assert.Equal(0, (await Server.Client.GetOkAsync($"{path}/{made.Text("id")}/versions"))["totalCount"]!.GetValue<int>());
        using var deleted = await Server.Client.DeleteAsync($"{path}/{made.Text("id")}", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Equal(1, (await Server.Client.GetOkAsync(path))["totalCount"]!.GetValue<int>());
    }

    [Fact]
    public async Task Bundles_of_revisions_without_bundle_rows_are_listed()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var dags = (await bundles.DeployDagsAsync("dags")).Text("dagTarballVersion");
        await bundles.DeployBundleAsync(Shop, "one");
        await using (var scope = Server.Services.CreateAsyncScope())
        {
            var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
            await db.Database.ExecuteSqlAsync($"DELETE FROM bundles WHERE deployment_id = {bundles.DeploymentId}",
                TestContext.Current.CancellationToken);
            await db.Database.ExecuteSqlAsync($"DELETE FROM bundle_moves WHERE deployment_id = {bundles.DeploymentId}",
                TestContext.Current.CancellationToken);
        }

        var (main, shop) = (await bundles.MainAsync(), await bundles.AtAsync(Shop));

        Assert.Equal(dags, main.Text("desiredVersion"));
        Assert.Equal([dags], await bundles.VersionsAsync(main.Text("id")));
        Assert.Equal([shop.Text("desiredVersion")], await bundles.VersionsAsync(shop.Text("id")));
    }
}
