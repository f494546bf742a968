using System.Net;
using System.Text.Json;

namespace Updraft.Server.Tests.Deploys;

public sealed class FinalizeDeployTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Finalized_deploy_has_a_version_and_no_upload_URL()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);
        var version = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "one"));

        var done = await deploys.FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");

        Assert.Equal(deploy.Text("id"), done.Text("id"));
        Assert.Equal("DEPLOYED", done.Text("status"));
        Assert.Equal(version, done.Text("dagTarballVersion"));
        Assert.False(done.Has("dagsUploadUrl"));
        Assert.True(JsonElement.DeepEquals(done, await deploys.GetAsync(deploy.Text("id"))));
    }

    [Fact]
    public async Task Upload_to_a_finalized_deploy_is_rejected_with_403()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);
        var version = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "one"));
        await deploys.FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");

        using var late = await deploys.PutAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "two"));

        Assert.Equal(HttpStatusCode.Forbidden, late.StatusCode);
    }

    [Fact]
    public async Task Finalize_accepts_any_version_uploaded_through_the_deploy()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);
        var first = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "one"));
        await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "two"));

        var done = await deploys.FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{first}}"}""");

        Assert.Equal(first, done.Text("dagTarballVersion"));
    }

    [Fact]
    public async Task Repeated_finalize_changes_nothing()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);
        var version = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "one"));
        var body = $$"""{"dagTarballVersion":"{{version}}"}""";
        var first = await deploys.FinalizeAsync(deploy.Text("id"), body);
        var revision = await deploys.RevisionAsync();

        var second = await deploys.FinalizeAsync(deploy.Text("id"), body);

        Assert.True(JsonElement.DeepEquals(first, second), second.GetRawText());
        Assert.Equal(revision, await deploys.RevisionAsync());
    }

    [Fact]
    public async Task Repeated_finalize_after_later_deploys_does_not_restore_the_old_version()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var old = await deploys.DeployDagsAsync("one");
        var current = await deploys.DeployDagsAsync("two");

        await deploys.FinalizeAsync(old.Text("id"), $$"""{"dagTarballVersion":"{{old.Text("dagTarballVersion")}}"}""");

        var bundle = await deploys.DeployBundleAsync("/usr/local/airflow/dbt");
        Assert.Equal(current.Text("dagTarballVersion"), bundle.Text("dagTarballVersion"));
    }

    [Fact]
    public async Task Second_finalize_with_another_version_is_rejected_with_400()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);
        var first = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "one"));
        var second = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "two"));
        await deploys.FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{first}}"}""");

        var error = (await deploys.TryFinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{second}}"}""")).Refusal();

        Assert.Contains($"already finalized with version '{first}'", error, StringComparison.Ordinal);
        Assert.Equal(first, (await deploys.GetAsync(deploy.Text("id"))).Text("dagTarballVersion"));
    }

    [Fact]
    public async Task Concurrent_finalizes_of_one_deploy_append_one_revision()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync();
        var before = await deploys.RevisionAsync();
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);
        var version = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "two"));

        var responses = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ =>
            deploys.FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""")));

        Assert.All(responses, response => Assert.True(JsonElement.DeepEquals(responses[0], response), response.GetRawText()));
        Assert.Equal(before + 1, await deploys.RevisionAsync());
    }

    [Fact]
    public async Task Concurrent_finalizes_of_different_deploys_all_count()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        string[] mounts = ["/usr/local/airflow/a", "/usr/local/airflow/b"];
        var ready = new List<(string Id, string Version)>();
        foreach (var mount in mounts)
        {
            var deploy = await deploys.CreateAsync(DeployKind.Bundle, mount);
            ready.Add((deploy.Text("id"), await deploys.UploadAsync(deploy.Text("bundleUploadUrl"), ("a.sql", mount))));
        }

        var responses = await Task.WhenAll(ready.Select(row =>
            deploys.FinalizeAsync(row.Id, $$"""{"bundleTarballVersion":"{{row.Version}}"}""")));

        Assert.Equal([1, 2], responses.Select(response => response.GetProperty("bundles").GetArrayLength()).Order());
        Assert.Equal(2, await deploys.RevisionAsync());
    }

    [Fact]
    public async Task Image_deploy_changes_the_image_and_DAG_deploy_keeps_it()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var both = await deploys.DeployDagsAsync(kind: DeployKind.ImageAndDag);
        var imageOnly = await deploys.CreateAsync(DeployKind.ImageOnly);
        imageOnly = await deploys.FinalizeAsync(imageOnly.Text("id"), """{"dagTarballVersion":""}""");
        var dagsOnly = await deploys.DeployDagsAsync("two");

        Assert.NotEqual(both.Text("imageTag"), imageOnly.Text("imageTag"));
        Assert.Equal(both.Text("dagTarballVersion"), imageOnly.Text("dagTarballVersion"));
        Assert.Equal(imageOnly.Text("imageTag"), dagsOnly.Text("imageTag"));
        Assert.NotEqual(both.Text("dagTarballVersion"), dagsOnly.Text("dagTarballVersion"));
    }

    [Fact]
    public async Task Deploy_without_an_image_keeps_the_image_at_its_finalize()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var early = await deploys.CreateAsync(DeployKind.DagOnly);
        var image = await deploys.DeployDagsAsync(kind: DeployKind.ImageAndDag);
        var version = await deploys.UploadAsync(early.Text("dagsUploadUrl"), ("dags/shop.py", "early"));

        var done = await deploys.FinalizeAsync(early.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");

        Assert.Equal(image.Text("imageTag"), done.Text("imageTag"));
    }

    [Fact]
    public async Task IMAGE_ONLY_deploy_needs_deployed_DAGs()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var early = (await deploys.TryCreateAsync("""{"type":"IMAGE_ONLY"}""")).Refusal();
        Assert.Equal(0, (await deploys.ListAsync()).GetProperty("totalCount").GetInt32());
        await deploys.DeployDagsAsync();
        var deploy = await deploys.CreateAsync(DeployKind.ImageOnly);
        var removal = await deploys.CreateAsync(DeployKind.ImageAndDag);
        await deploys.FinalizeAsync(removal.Text("id"), """{"dagTarballVersion":""}""");

        var late = (await deploys.TryFinalizeAsync(deploy.Text("id"), """{"dagTarballVersion":""}""")).Refusal();

        Assert.Contains("Deploy DAGs first", early, StringComparison.Ordinal);
        Assert.Equal(early, late);
    }

    [Fact]
    public async Task Removal_of_an_unknown_bundle_is_accepted()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.Bundle);

        var done = await deploys.FinalizeAsync(deploy.Text("id"), """{"bundleTarballVersion":""}""");

        Assert.Equal("DEPLOYED", done.Text("status"));
        Assert.Equal(0, done.GetProperty("bundles").GetArrayLength());
    }

    [Theory]
    [InlineData(DeployKind.DagOnly)]
    [InlineData(DeployKind.Bundle)]
    public async Task Type_that_is_no_longer_allowed_is_rejected_with_400(DeployKind kind)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(kind);
        var url = deploy.TextOrNull("dagsUploadUrl") ?? deploy.Text("bundleUploadUrl");
        var version = await deploys.UploadAsync(url, ("a.py", "one"));
        await deploys.SetDagDeployAsync(false);

        var error = (await deploys.TryFinalizeAsync(deploy.Text("id"),
            $$"""{"dagTarballVersion":"{{version}}","bundleTarballVersion":"{{version}}"}""")).Refusal();

        Assert.Contains("dag deploy is not enabled for deployment", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Setting_at_create_decides_the_meaning_of_IMAGE_AND_DAG()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.ImageAndDag);
        var version = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "one"));
        await deploys.SetDagDeployAsync(false);

        var done = await deploys.FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");

        Assert.Equal(version, done.Text("dagTarballVersion"));
        Assert.True(done.GetProperty("isDagDeployEnabled").GetBoolean());
    }

    [Fact]
    public async Task Version_of_another_Deployment_is_rejected_like_an_unknown_one()
    {
        var theirs = await DeploysApi.NewDeploymentAsync(server);
        var their = (await theirs.DeployDagsAsync()).Text("dagTarballVersion");
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);

        var foreign = (await deploys.TryFinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{their}}"}""")).Refusal();
        var unknown = (await deploys.TryFinalizeAsync(deploy.Text("id"),
            """{"dagTarballVersion":"2020-01-01T00:00:00.0000000Z"}""")).Refusal();

        Assert.Equal(unknown.Replace("2020-01-01T00:00:00.0000000Z", their, StringComparison.Ordinal), foreign);
    }

    [Fact]
    public async Task Deploy_of_another_Deployment_is_rejected_with_404()
    {
        var theirs = await DeploysApi.NewDeploymentAsync(server);
        var their = await theirs.CreateAsync(DeployKind.DagOnly);
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        (await deploys.TryFinalizeAsync(their.Text("id"), "{}")).Refusal(HttpStatusCode.NotFound);
        (await deploys.SendAsync(HttpMethod.Get, "/" + their.Text("id"))).Refusal(HttpStatusCode.NotFound);
        (await deploys.SendAsync(HttpMethod.Post, "/" + their.Text("id"), "{}")).Refusal(HttpStatusCode.NotFound);
        (await deploys.TryRollBackAsync(their.Text("id"))).Refusal(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Archives_with_and_without_dags_directory_mount_the_same_files()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync();
        var withFolder = Assert.Single((await deploys.StateAsync()).Mounts);
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);
        var version = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("shop.py", "one"));
        await deploys.FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");
        var without = Assert.Single((await deploys.StateAsync()).Mounts);

        Assert.Equal(("dags", "dags"), (withFolder.Path, withFolder.Subfolder));
        Assert.Equal(("dags", null), (without.Path, without.Subfolder));
    }

    [Fact]
    public async Task Bundle_is_mounted_below_the_home_of_Airflow()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var done = await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop");

        var mount = Assert.Single((await deploys.StateAsync()).Mounts);
        var bundle = Assert.Single(done.GetProperty("bundles").EnumerateArray());

        Assert.Equal(("dbt/shop", null), (mount.Path, mount.Subfolder));
        Assert.Equal(mount.Version, bundle.Text("desiredVersion"));
        Assert.Equal("/usr/local/airflow/dbt/shop", bundle.Text("mountPath"));
        Assert.Equal("dbt", bundle.Text("bundleType"));
        Assert.Equal(done.Text("id"), bundle.Text("deployId"));
        Assert.False(bundle.Has("currentVersion"));
    }

    [Fact]
    public async Task Current_version_of_a_bundle_is_the_reported_one()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var first = await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop", "one");
        await deploys.ReportActiveAsync();
        var second = await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop", "two");

        var runs = Assert.Single(first.GetProperty("bundles").EnumerateArray()).Text("desiredVersion");
        var bundle = Assert.Single((await deploys.GetAsync(second.Text("id"))).GetProperty("bundles").EnumerateArray());

        Assert.Equal(runs, bundle.Text("currentVersion"));
        Assert.NotEqual(runs, bundle.Text("desiredVersion"));
    }
}
