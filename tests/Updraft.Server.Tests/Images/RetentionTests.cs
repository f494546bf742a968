using System.Net;
using System.Text.Json;
using Updraft.Server.Tests.Deploys;

namespace Updraft.Server.Tests.Images;

/// <summary>
/// The images that the retention deletes or keeps, and the rollbacks that remain possible. The registry is real, and the retention
/// runs at the start.
/// </summary>
[Trait("Runs", "ci")] // Starts a server and a registry for each case.
public sealed class RetentionTests
{
    private static readonly TimeSpan Old = TimeSpan.FromDays(91), Young = TimeSpan.FromDays(80);

    [Fact]
    public async Task Retention_deletes_only_images_without_a_use()
    {
        await using var site = await RegistrySite.StartAsync();
        var deploys = await site.NewDeploymentAsync();
        var (first, firstDigest) = await site.DeployAsync(deploys);
        var (second, secondDigest) = await site.DeployAsync(deploys);
        await site.AgeAsync(deploys, Old - Young);
        // The third deploy replaced it only recently.
        var (third, thirdDigest) = await site.DeployAsync(deploys);
        await site.AgeAsync(deploys, Young);
        var (newest, newestDigest) = await site.DeployAsync(deploys);
        // No deploy is newer than the only deploy, even if it is old.
        var idle = await site.NewDeploymentAsync();
        var (only, onlyDigest) = await site.DeployAsync(idle);
        await site.AgeAsync(idle, Old);

        await site.DeleteOldImagesAsync();

        Assert.False(await site.HasAsync(first, firstDigest));
        Assert.False(await site.HasAsync(first, first.Text("imageTag")));
        Assert.True(await site.HasAsync(second, secondDigest));
        Assert.True(await site.HasAsync(third, thirdDigest));
        Assert.True(await site.HasAsync(newest, newestDigest));
        Assert.True(await site.HasAsync(only, onlyDigest));
        var refusal = (await deploys.TryRollBackAsync(first.Text("id"))).Refusal();
        Assert.Contains("was deleted", refusal, StringComparison.Ordinal);
        Assert.Contains(firstDigest, refusal, StringComparison.Ordinal);
        await deploys.RollBackAsync(second.Text("id"));
        Assert.Equal(secondDigest, (await deploys.StateAsync()).Image!.Digest);
    }

    [Fact]
    public async Task Tag_of_an_unfinalized_deploy_keeps_its_image()
    {
        await using var site = await RegistrySite.StartAsync();
        var deploys = await site.NewDeploymentAsync();
        var image = new TestImage("9.1.0");
        var old = await DeployAsync(site, deploys, image);
        await site.DeployAsync(deploys);
        await site.AgeAsync(deploys, Old);
        await site.DeployAsync(deploys);
        await site.AgeAsync(deploys, Old);
        var open = await deploys.CreateAsync(DeployKind.ImageAndDag);
        await site.PushAsync(open, image);

        await site.DeleteOldImagesAsync();

        Assert.True(await site.HasAsync(old, image.Digest));
        await deploys.RollBackAsync(old.Text("id"));
        await deploys.FinalizeAsync(open.Text("id"), """{"dagTarballVersion":""}""");
        Assert.Equal(image.Digest, (await deploys.StateAsync()).Image!.Digest);
    }

    [Fact]
    public async Task Deleted_image_can_be_pushed_and_deployed_again()
    {
        await using var site = await RegistrySite.StartAsync();
        var deploys = await site.NewDeploymentAsync();
        var image = new TestImage("9.1.0");
        var old = await DeployAsync(site, deploys, image);
        await site.DeployAsync(deploys);
        await site.AgeAsync(deploys, Old);
        await site.DeleteOldImagesAsync();
        (await deploys.TryRollBackAsync(old.Text("id"))).Refusal();

        await DeployAsync(site, deploys, image);

        Assert.Equal(image.Digest, (await deploys.StateAsync()).Image!.Digest);
        Assert.Null((await site.ImageAsync(image.Digest)).DeletedAt);
        await deploys.RollBackAsync(old.Text("id"));
        Assert.True(await site.HasAsync(old, image.Digest));
    }

    [Fact]
    public async Task Index_is_deleted_with_parts_that_no_other_image_shares()
    {
        await using var site = await RegistrySite.StartAsync();
        var deploys = await site.NewDeploymentAsync();
        TestImage own = new("9.1.0"), shared = new("9.1.0", architecture: "arm64"), newer = new("9.1.0");
        var first = await deploys.CreateAsync(DeployKind.ImageAndDag);
        var index = await site.PushIndexAsync(first, own, shared);
        await deploys.FinalizeAsync(first.Text("id"), """{"dagTarballVersion":""}""");
        var second = await deploys.CreateAsync(DeployKind.ImageAndDag);
        await site.PushIndexAsync(second, newer, shared);
        await deploys.FinalizeAsync(second.Text("id"), """{"dagTarballVersion":""}""");
        await site.AgeAsync(deploys, Old);

        await site.DeleteOldImagesAsync();

        Assert.False(await site.HasAsync(first, index));
        Assert.False(await site.HasAsync(first, own.Digest));
        Assert.True(await site.HasAsync(first, shared.Digest));
        Assert.True(await site.HasAsync(second, second.Text("imageTag")));
    }

    [Fact]
    public async Task Registry_without_deletion_is_logged_once_and_rollbacks_work()
    {
        await using var site = await RegistrySite.StartAsync(deletes: false);
        var deploys = await site.NewDeploymentAsync();
        var (old, digest) = await site.DeployAsync(deploys);
        await site.DeployAsync(deploys);
        await site.AgeAsync(deploys, Old);

        await site.Server.RestartAsync();

        await Poll.UntilAsync(() => Task.FromResult(site.Server.LogText.Contains("storage.delete.enabled", StringComparison.Ordinal)));
        Assert.Null((await site.ImageAsync(digest)).DeletedAt);
        await deploys.RollBackAsync(old.Text("id"));
        Assert.Equal(digest, (await deploys.StateAsync()).Image!.Digest);
    }

    [Fact]
    public async Task Zero_retention_period_deletes_nothing()
    {
        await using var site = await RegistrySite.StartAsync(settings: ("Images:KeepFor", "0"));
        var deploys = await site.NewDeploymentAsync();
        var (old, digest) = await site.DeployAsync(deploys);
        await site.DeployAsync(deploys);
        await site.AgeAsync(deploys, Old);

        await site.Server.RestartAsync();

        await deploys.RollBackAsync(old.Text("id"));
        Assert.True(await site.HasAsync(old, digest));
    }

    [Fact]
    public async Task Interrupted_deletion_blocks_rollbacks_and_is_finished_later()
    {
        await using var site = await RegistrySite.StartAsync();
        var deploys = await site.NewDeploymentAsync();
        var (old, digest) = await site.DeployAsync(deploys);
        await site.DeployAsync(deploys);
        await site.AgeAsync(deploys, Old);
        // The registry is unreachable between the mark and the deletion.
        site.Registry.Stop();
        await site.Server.RestartAsync();
        await Poll.UntilAsync(async () => (await site.ImageAsync(digest)).DeletedAt is not null);
        Assert.Contains("was deleted", (await deploys.TryRollBackAsync(old.Text("id"))).Refusal(), StringComparison.Ordinal);
        await Poll.UntilAsync(() => Task.FromResult(site.Server.LogText.Contains("Could not delete old images", StringComparison.Ordinal)));
        await site.Registry.StartAsync(site.Server);
        Assert.True(await site.HasAsync(old, digest));

        // Only a deletion that has timed out is restarted.
        await site.DeleteOldImagesAsync();
        Assert.Null((await site.ImageAsync(digest)).GoneAt);
        await site.AgeDeletionAsync(digest, TimeSpan.FromMinutes(6));
        await site.DeleteOldImagesAsync();

        Assert.False(await site.HasAsync(old, digest));
    }

    [Fact]
    public async Task Finalize_during_the_deletion_of_its_image_is_503()
    {
        await using var site = await RegistrySite.StartAsync();
        var deploys = await site.NewDeploymentAsync();
        var image = new TestImage("9.1.0");
        await DeployAsync(site, deploys, image);
        await site.DeployAsync(deploys);
        await site.AgeAsync(deploys, Old);
        site.Registry.Stop();
        await site.Server.RestartAsync();
        await Poll.UntilAsync(() => Task.FromResult(site.Server.LogText.Contains("Could not delete old images", StringComparison.Ordinal)));
        Assert.NotNull((await site.ImageAsync(image.Digest)).DeletedAt);
        await site.Registry.StartAsync(site.Server);
        var again = await deploys.CreateAsync(DeployKind.ImageAndDag);
        await site.PushAsync(again, image);

        var refusal = (await deploys.TryFinalizeAsync(again.Text("id"), """{"dagTarballVersion":""}""")).Refusal(HttpStatusCode.ServiceUnavailable);

        Assert.Contains("The image retention is deleting the image", refusal, StringComparison.Ordinal);
        Assert.Equal(2, await deploys.RevisionAsync());
        await site.AgeDeletionAsync(image.Digest, TimeSpan.FromMinutes(6));
        await deploys.FinalizeAsync(again.Text("id"), """{"dagTarballVersion":""}""");
        Assert.Null((await site.ImageAsync(image.Digest)).DeletedAt);
    }

    [Fact]
    public async Task Images_of_a_deleted_Deployment_are_deleted()
    {
        await using var site = await RegistrySite.StartAsync();
        var deploys = await site.NewDeploymentAsync();
        var (_, digest) = await site.DeployAsync(deploys);
        await site.AgeAsync(deploys, Old);
        using (await site.Server.Client.DeleteAsync($"{site.Server.OrganizationPath}/deployments/{deploys.DeploymentId}",
            TestContext.Current.CancellationToken))
        {
        }
        await site.DeleteOldImagesAsync();
        Assert.Null((await site.ImageAsync(digest)).DeletedAt);

        await site.AgeAsync(deploys, Old);
        await site.DeleteOldImagesAsync();

        Assert.NotNull((await site.ImageAsync(digest)).GoneAt);
    }

    private static async Task<JsonElement> DeployAsync(RegistrySite site, DeploysApi deploys, TestImage image)
    {
        var deploy = await deploys.CreateAsync(DeployKind.ImageAndDag);
        await site.PushAsync(deploy, image);
        return await deploys.FinalizeAsync(deploy.Text("id"), """{"dagTarballVersion":""}""");
    }
}
