using System.Net;
using System.Text.Json.Nodes;
using Updraft.Server.Tests.Deploys.Bundles;

namespace Updraft.Server.Tests.Deploys;

/// <summary>Deploys under <c>/v1alpha1</c>.</summary>
public sealed class AlphaDeployTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    [Theory]
    [InlineData("IMAGE", "IMAGE_AND_DAG")]
    [InlineData("DAG", "DAG_ONLY")]
    [InlineData("BUNDLE", "BUNDLE")]
    [InlineData("IMAGE_AND_DAG", "IMAGE_AND_DAG")]
    [InlineData("IMAGE_ONLY", "IMAGE_ONLY")]
    [InlineData("DAG_ONLY", "DAG_ONLY")]
    public async Task Alpha_type_is_converted_to_the_type_of_v1(string type, string expected)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        await bundles.DeployDagsAsync("one");

        var deploy = await Server.Client.PostOkAsync(bundles.AlphaDeploys,
            new JsonObject { ["type"] = type, ["bundleMountPath"] = "/usr/local/airflow/dbt/shop", ["bundleType"] = "dbt" });

        Assert.Equal((expected, "INITIALIZED"), (deploy.Text("type"), deploy.Text("status")));
        Assert.Equal(expected, (await Server.Client.GetOkAsync($"{bundles.Deploys}/{deploy.Text("id")}")).Text("type"));
    }

    [Fact]
    public async Task Client_can_set_the_image_tag()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);

        var deploy = await Server.Client.PostOkAsync(bundles.AlphaDeploys,
            new JsonObject { ["type"] = "IMAGE", ["imageTag"] = "build-17" });
        await bundles.FinalizeAsync(deploy.Text("id"), "dagTarballVersion", "");

        Assert.Equal("build-17", deploy.Text("imageTag"));
        var path = bundles.Deployment.Replace("/v1/", "/v1alpha1/", StringComparison.Ordinal);
        Assert.Equal("build-17", (await Server.Client.GetOkAsync(path)).Text("desiredImageVersion"));
        var dags = await Server.Client.PostOkAsync(bundles.AlphaDeploys, new JsonObject { ["type"] = "DAG", ["imageTag"] = "ignored" });
        Assert.Equal("build-17", dags.Text("imageTag"));
        await Server.Client.PostErrorAsync(bundles.AlphaDeploys, """{"type":"IMAGE","imageTag":"-x"}""", HttpStatusCode.BadRequest);
        await Server.Client.PostErrorAsync(bundles.AlphaDeploys, """{"type":"IMAGE","imageTag":"a:b"}""", HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("""{"type":"DAG","dagBundleName":"unknown"}""", "has no DAG bundle 'unknown'")]
    [InlineData("""{"type":"DAG","dagBundleName":"../x"}""", "has no DAG bundle '../x'")]
    [InlineData("""{"type":"IMAGE_ONLY","dagBundleName":"x"}""", "'dagBundleName' is invalid for the type")]
    [InlineData("""{"type":"BUNDLE","dagBundleName":"x","bundleType":"dbt","bundleMountPath":"/usr/local/airflow/x"}""",
        "'dagBundleName' is invalid for the type")]
    [InlineData("""{"type":"GIT"}""", "it must be one of")]
    public async Task Invalid_deploy_is_rejected_with_400(string body, string message)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);

        Assert.Contains(message, await Server.Client.PostErrorAsync(bundles.AlphaDeploys, body, HttpStatusCode.BadRequest));
        Assert.Equal(0, (int)(await Server.Client.GetOkAsync(bundles.Deploys))["totalCount"]!);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("main")]
    public async Task Default_bundle_needs_no_name(string? name)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);

        await bundles.DeployDagsAsync("one", name);

        Assert.Equal(["dags"], (await bundles.MountsAsync()).Keys);
    }

    [Fact]
    public async Task Image_deploy_sets_or_removes_the_DAGs_of_a_named_bundle()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        await bundles.CreateDagAsync("finance");
        await bundles.DeployDagsAsync("main");
        var deploy = await Server.Client.PostOkAsync(bundles.AlphaDeploys,
            new JsonObject { ["type"] = "IMAGE", ["dagBundleName"] = "finance" });
        var version = await bundles.UploadAsync(deploy.Text("dagsUploadUrl"), "finance");
        Assert.Equal(version, (await bundles.FinalizeAsync(deploy.Text("id"), "dagTarballVersion", version)).Text("dagTarballVersion"));
        Assert.Equal(["dags", "bundles/finance"], (await bundles.MountsAsync()).Keys);

        var empty = await Server.Client.PostOkAsync(bundles.AlphaDeploys,
            new JsonObject { ["type"] = "IMAGE", ["dagBundleName"] = "finance" });
        await bundles.FinalizeAsync(empty.Text("id"), "dagTarballVersion", "");

        Assert.Equal(["dags"], (await bundles.MountsAsync()).Keys);
    }

    [Fact]
    public async Task V1_image_deploy_keeps_named_bundles()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        await bundles.CreateDagAsync("finance");
        await bundles.DeployDagsAsync("finance", "finance");

        var image = await Server.Client.PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "IMAGE_ONLY" });
        await bundles.FinalizeAsync(image.Text("id"), "dagTarballVersion", "");

        Assert.Equal(["bundles/finance"], (await bundles.MountsAsync()).Keys);
    }

    [Fact]
    public async Task Alpha_response_has_the_fields_of_this_version()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var deploy = await bundles.DeployDagsAsync("one");

        var v1 = await Server.Client.GetOkAsync($"{bundles.Deploys}/{deploy.Text("id")}");
        var alpha = await Server.Client.GetOkAsync($"{bundles.AlphaDeploys}/{deploy.Text("id")}");

        Assert.Equal(v1.Select(field => field.Key).Except(["astroRuntimeVersion"]).Order(), alpha.Select(field => field.Key).Order());
        Assert.False(alpha.ContainsKey("steps"));
        Assert.Equal(["created", "uploaded", "finalized"], (await Server.Client.GetOkAsync(
            $"{bundles.AlphaDeploys}/{deploy.Text("id")}?includeSteps=true"))["steps"]!.AsArray()
                .Select(step => step!.AsObject().Text("id")));
    }

    [Theory]
    [InlineData("?search=faster", 1)]
    [InlineData("?search=FASTER", 1)]
    [InlineData("?search=100%", 1)]
    [InlineData("?search=%25", 1)]
    [InlineData("?search=_", 0)]
    [InlineData("?search=dbt%2Fshop", 1)]
    [InlineData("?search=finance", 1)]
    [InlineData("?search=deploy-", 1)]
    [InlineData("?search=nothing", 0)]
    [InlineData("?search=", 4)]
    [InlineData("?search=faster&limit=0", 1)]
    public async Task Search_matches_text_in_any_case(string query, int expected)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        await bundles.CreateDagAsync("finance");
        await Server.Client.PostOkAsync(bundles.AlphaDeploys, new JsonObject { ["type"] = "DAG", ["description"] = "faster by 100%" });
        await Server.Client.PostOkAsync(bundles.AlphaDeploys, new JsonObject { ["type"] = "DAG", ["dagBundleName"] = "finance" });
        await Server.Client.PostOkAsync(bundles.AlphaDeploys, new JsonObject { ["type"] = "IMAGE" });
        await Server.Client.PostOkAsync(bundles.AlphaDeploys,
            new JsonObject { ["type"] = "BUNDLE", ["bundleType"] = "dbt", ["bundleMountPath"] = "/usr/local/airflow/dbt/shop" });

        var list = await Server.Client.GetOkAsync(bundles.AlphaDeploys + query);

        Assert.Equal(expected, (int)list["totalCount"]!);
        Assert.Equal(query.EndsWith("limit=0", StringComparison.Ordinal) ? 0 : expected, list["deploys"]!.AsArray().Count);
    }

    [Fact]
    public async Task Search_by_id_or_creator_finds_one_deploy()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var token = await Server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", bundles.DeploymentId);
        var theirs = await Server.ClientWith(token).PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "DAG_ONLY" });
        await Server.Client.PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "DAG_ONLY" });

        foreach (var query in (string[])[$"search={theirs.Text("id")}", $"subjectId={Jwt.Claims(token).Text("sub")}"])
        {
            var list = await Server.Client.GetOkAsync($"{bundles.AlphaDeploys}?{query}");
            Assert.Equal(theirs.Text("id"), Assert.Single(list["deploys"]!.AsArray())!.AsObject().Text("id"));
            Assert.Equal(1, (int)list["totalCount"]!);
        }
        Assert.Equal(0, (int)(await Server.Client.GetOkAsync($"{bundles.AlphaDeploys}?subjectId=%25"))["totalCount"]!);
    }

    [Fact]
    public async Task Deploy_from_git_is_not_supported()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);

        Assert.Contains("does not exist", await Server.Client.PostErrorAsync(
            bundles.AlphaDeploys.Replace("/deploys", "/deploy-git", StringComparison.Ordinal), "{}", HttpStatusCode.NotFound));
    }
}
