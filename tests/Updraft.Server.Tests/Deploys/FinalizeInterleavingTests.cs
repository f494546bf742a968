using System.Text.Json;

namespace Updraft.Server.Tests.Deploys;

/// <summary>Deploys that are created, then overtaken by another deploy, then finalized: a finalize builds on the newest revision.</summary>
public sealed class FinalizeInterleavingTests(SharedServer server) : IClassFixture<SharedServer>
{
    private const string Shop = "/usr/local/airflow/dbt/shop", Bank = "/usr/local/airflow/dbt/bank";

    [Fact]
    public async Task Image_deploy_keeps_DAGs_that_were_deployed_after_its_creation()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync("one");
        var image = await deploys.CreateAsync(DeployKind.ImageOnly);
        var newer = await deploys.DeployDagsAsync("two");

        await deploys.FinalizeAsync(image.Text("id"), "{}");

        var state = await deploys.StateAsync();
        Assert.Equal(newer.Text("dagTarballVersion"), Assert.Single(state.Mounts).Version);
        Assert.Equal(image.Text("imageTag"), state.Image!.Tag);
    }

    [Fact]
    public async Task Image_deploy_keeps_bundles_that_were_added_after_its_creation()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync();
        await deploys.DeployBundleAsync(Shop, "one");
        var image = await deploys.CreateAsync(DeployKind.ImageOnly);
        await deploys.DeployBundleAsync(Shop, "two");
        await deploys.DeployBundleAsync(Bank);
        var before = (await deploys.StateAsync()).Mounts;

        await deploys.FinalizeAsync(image.Text("id"), "{}");

        Assert.Equal(before, (await deploys.StateAsync()).Mounts);
        Assert.Equal(3, before.Count);
    }

    [Fact]
    public async Task Image_deploy_does_not_restore_a_bundle_deleted_after_its_creation()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync();
        await deploys.DeployBundleAsync(Shop);
        var image = await deploys.CreateAsync(DeployKind.ImageOnly);
        await DeleteAsync(deploys, Shop);

        await deploys.FinalizeAsync(image.Text("id"), "{}");

        Assert.Equal("dags", Assert.Single((await deploys.StateAsync()).Mounts).Path);
    }

    [Fact]
    public async Task DAG_deploy_keeps_the_image_and_bundles_deployed_after_its_creation()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync("one");
        var (dags, version) = await CreateDagsAsync(deploys, "two");
        var image = await deploys.CreateAsync(DeployKind.ImageOnly);
        await deploys.FinalizeAsync(image.Text("id"), "{}");
        await deploys.DeployBundleAsync(Shop);

        await deploys.FinalizeAsync(dags.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");

        var state = await deploys.StateAsync();
        Assert.Equal(image.Text("imageTag"), state.Image!.Tag);
        Assert.Equal(["dags", "dbt/shop"], state.Mounts.Select(mount => mount.Path));
        Assert.Equal(version, state.Mounts[0].Version);
    }

    [Fact]
    public async Task Bundle_deploy_keeps_DAGs_and_bundles_deployed_after_its_creation()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync("one");
        var bundle = await deploys.CreateAsync(DeployKind.Bundle, Shop);
        var version = await deploys.UploadAsync(bundle.Text("bundleUploadUrl"), ("dbt_project.yml", "shop"));
        var newer = await deploys.DeployDagsAsync("two");
        await deploys.DeployBundleAsync(Bank);

        await deploys.FinalizeAsync(bundle.Text("id"), $$"""{"bundleTarballVersion":"{{version}}"}""");

        var mounts = (await deploys.StateAsync()).Mounts.ToDictionary(mount => mount.Path, mount => mount.Version, StringComparer.Ordinal);
        Assert.Equal(["dags", "dbt/bank", "dbt/shop"], mounts.Keys.Order(StringComparer.Ordinal));
        Assert.Equal((newer.Text("dagTarballVersion"), version), (mounts["dags"], mounts["dbt/shop"]));
    }

    [Fact]
    public async Task Deploys_finalized_in_reverse_order_leave_the_last_finalized_version()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var (first, firstVersion) = await CreateDagsAsync(deploys, "one");
        var (second, secondVersion) = await CreateDagsAsync(deploys, "two");

        await deploys.FinalizeAsync(second.Text("id"), $$"""{"dagTarballVersion":"{{secondVersion}}"}""");
        await deploys.FinalizeAsync(first.Text("id"), $$"""{"dagTarballVersion":"{{firstVersion}}"}""");

        var state = await deploys.StateAsync();
        Assert.Equal((2, firstVersion), (state.Revision, Assert.Single(state.Mounts).Version));
    }

    [Fact]
    public async Task Finalize_closes_the_uploads_of_its_own_deploy_only()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var open = await deploys.CreateAsync(DeployKind.DagOnly);
        var finalized = await deploys.CreateAsync(DeployKind.DagOnly);
        var version = await deploys.UploadAsync(finalized.Text("dagsUploadUrl"), ("dags/shop.py", "one"));
        await deploys.FinalizeAsync(finalized.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");

        using var closed = await deploys.PutAsync(finalized.Text("dagsUploadUrl"), ("dags/shop.py", "two"));
        Assert.False(closed.IsSuccessStatusCode);
        version = await deploys.UploadAsync(open.Text("dagsUploadUrl"), ("dags/shop.py", "three"));
        await deploys.FinalizeAsync(open.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");
    }

    private static async Task<(JsonElement Deploy, string Version)> CreateDagsAsync(DeploysApi deploys, string text)
    {
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);
        return (deploy, await deploys.UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", text)));
    }

    private static async Task DeleteAsync(DeploysApi deploys, string mountPath) => await deploys.FinalizeAsync(
        (await deploys.CreateAsync(DeployKind.Bundle, mountPath)).Text("id"), """{"bundleTarballVersion":""}""");
}
