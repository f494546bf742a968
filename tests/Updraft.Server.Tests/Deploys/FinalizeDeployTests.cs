using System.Net;
using System.Text.Json;

namespace Updraft.Server.Tests.Deploys;

[Trait("Database", "every")]
public sealed class FinalizeDeployTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task A_finalized_deploy_shows_what_it_deployed_and_no_upload_address()
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
    public async Task Nothing_can_be_uploaded_to_a_finalized_deploy()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);
        var version = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "one"));
        await deploys.FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");

        using var late = await deploys.PutAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "two"));

        Assert.Equal(HttpStatusCode.Forbidden, late.StatusCode);
    }

    [Fact]
    public async Task Any_version_that_the_deploy_uploaded_can_be_chosen()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);
        var first = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "one"));
        await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "two"));

        var done = await deploys.FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{first}}"}""");

        Assert.Equal(first, done.Text("dagTarballVersion"));
    }

    [Fact]
    public async Task A_repeated_finalize_changes_nothing()
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
    public async Task A_repetition_after_later_deploys_does_not_bring_the_old_version_back()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var old = await deploys.DeployDagsAsync("one");
        var current = await deploys.DeployDagsAsync("two");

        await deploys.FinalizeAsync(old.Text("id"), $$"""{"dagTarballVersion":"{{old.Text("dagTarballVersion")}}"}""");

        var bundle = await deploys.DeployBundleAsync("/usr/local/airflow/dbt");
        Assert.Equal(current.Text("dagTarballVersion"), bundle.Text("dagTarballVersion"));
    }

    [Fact]
    public async Task Another_version_after_the_finalize_is_refused()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);
        var first = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "one"));
        var second = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "two"));
        await deploys.FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{first}}"}""");

        var refusal = (await deploys.TryFinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{second}}"}""")).Refusal();

        Assert.Contains($"already finalized with version '{first}'", refusal, StringComparison.Ordinal);
        Assert.Equal(first, (await deploys.GetAsync(deploy.Text("id"))).Text("dagTarballVersion"));
    }

    [Fact]
    public async Task Many_finalizes_at_once_have_one_effect()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync();
        var before = await deploys.RevisionAsync();
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);
        var version = await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", "two"));

        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ =>
            deploys.FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""")));

        Assert.All(answers, answer => Assert.True(JsonElement.DeepEquals(answers[0], answer), answer.GetRawText()));
        Assert.Equal(before + 1, await deploys.RevisionAsync());
    }

    [Fact]
    public async Task Deploys_that_are_finalized_at_once_all_count()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        string[] mounts = ["/usr/local/airflow/a", "/usr/local/airflow/b"];
        var ready = new List<(string Id, string Version)>();
        foreach (var mount in mounts)
        {
            var deploy = await deploys.CreateAsync(DeployKind.Bundle, mount);
            ready.Add((deploy.Text("id"), await deploys.UploadAsync(deploy.Text("bundleUploadUrl"), ("a.sql", mount))));
        }

        var answers = await Task.WhenAll(ready.Select(row =>
            deploys.FinalizeAsync(row.Id, $$"""{"bundleTarballVersion":"{{row.Version}}"}""")));

        Assert.Equal([1, 2], answers.Select(answer => answer.GetProperty("bundles").GetArrayLength()).Order());
        Assert.Equal(2, await deploys.RevisionAsync());
    }

    [Fact]
    public async Task An_image_deploy_changes_the_image_and_a_DAG_deploy_leaves_it()
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
    public async Task A_deploy_without_an_image_keeps_the_one_of_its_finalize_and_not_of_its_create()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var early = await deploys.CreateAsync(DeployKind.DagOnly);
        var image = await deploys.DeployDagsAsync(kind: DeployKind.ImageAndDag);
        var version = await deploys.UploadAsync(early.Text("dagsUploadUrl"), ("dags/shop.py", "early"));

        var done = await deploys.FinalizeAsync(early.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");

        Assert.Equal(image.Text("imageTag"), done.Text("imageTag"));
    }

    [Fact]
    public async Task An_image_alone_needs_DAGs_that_are_deployed()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.ImageOnly);

        var refusal = (await deploys.TryFinalizeAsync(deploy.Text("id"), """{"dagTarballVersion":""}""")).Refusal();

        Assert.Contains("deploy DAGs first", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deleting_a_bundle_that_is_not_there_is_fine()
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
    public async Task A_type_that_is_no_longer_allowed_is_refused(DeployKind kind)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(kind);
        var url = deploy.TextOrNull("dagsUploadUrl") ?? deploy.Text("bundleUploadUrl");
        var version = await deploys.UploadAsync(url, ("a.py", "one"));
        await deploys.SetDagDeployAsync(false);

        var refusal = (await deploys.TryFinalizeAsync(deploy.Text("id"),
            $$"""{"dagTarballVersion":"{{version}}","bundleTarballVersion":"{{version}}"}""")).Refusal();

        Assert.Contains("dag deploy is not enabled for deployment", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_setting_at_the_create_decides_what_an_image_with_DAGs_means()
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
    public async Task A_version_of_another_Deployment_is_refused_like_an_unknown_one()
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
    public async Task A_deploy_of_another_Deployment_is_not_found()
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
    public async Task Archives_with_and_without_a_dags_folder_put_the_same_files_into_place()
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
    public async Task A_bundle_is_mounted_below_the_home()
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
    public async Task The_current_version_of_a_bundle_is_what_an_agent_reports()
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
