using System.Net;
using System.Text.Json;
using Updraft.Server.Tests.Deploys;

namespace Updraft.Server.Tests.Images;

/// <summary>The facts that a finalize reads from a real registry and stores.</summary>
public sealed class FinalizeImageTests(SharedRegistrySite shared) : IClassFixture<SharedRegistrySite>
{
    private const string NoVersion = """{"dagTarballVersion":""}""";

    private RegistrySite Site => shared.Site;

    [Fact]
    public async Task Missing_tag_is_rejected_with_the_push_command()
    {
        var deploys = await Site.NewDeploymentAsync();
        var deploy = await deploys.CreateAsync(DeployKind.ImageAndDag);

        var refusal = (await deploys.TryFinalizeAsync(deploy.Text("id"), NoVersion)).Refusal();

        Assert.EndsWith($"docker push {deploy.Text("imageRepository")}:{deploy.Text("imageTag")}", refusal, StringComparison.Ordinal);
        Assert.Equal("INITIALIZED", (await deploys.GetAsync(deploy.Text("id"))).Text("status"));
        Assert.Equal(0, await deploys.RevisionAsync());
        // The same deploy succeeds after the push.
        var digest = await Site.PushAsync(deploy, new TestImage());
        await deploys.FinalizeAsync(deploy.Text("id"), NoVersion);
        Assert.Equal(digest, (await deploys.StateAsync()).Image!.Digest);
    }

    [Fact]
    public async Task Overwritten_tag_does_not_change_a_finalized_deploy()
    {
        var deploys = await Site.NewDeploymentAsync();
        var (deploy, digest) = await Site.DeployAsync(deploys, "9.1.0", "2.7.2");

        var other = await Site.PushAsync(deploy, new TestImage("8.0.0", "2.6.0"));
        var again = await deploys.FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{deploy.Text("dagTarballVersion")}}"}""");

        Assert.NotEqual(digest, other);
        Assert.True(JsonElement.DeepEquals(deploy, again), again.GetRawText());
        var state = await deploys.StateAsync();
        Assert.Equal((1, digest), (state.Revision, state.Image!.Digest));
        await deploys.DeployDagsAsync("two");
        Assert.Equal(digest, (await deploys.StateAsync()).Image!.Digest);
        Assert.Equal("9.1.0", (await deploys.GetDeploymentAsync()).Text("astroRuntimeVersion"));
    }

    [Fact]
    public async Task Versions_appear_in_deploy_Deployment_and_diff()
    {
        var deploys = await Site.NewDeploymentAsync();
        var (before, first) = await Site.DeployAsync(deploys, "3.0-4", "3.0.2");
        var (after, second) = await Site.DeployAsync(deploys, "3.1-1", "3.1.0");

        Assert.Equal(("3.1-1", "3.1.0"), (after.Text("astroRuntimeVersion"), after.Text("airflowVersion")));
        var deployment = await deploys.GetDeploymentAsync();
        Assert.Equal(("3.1-1", "3.1-1", "3.1.0"),
            (deployment.Text("astroRuntimeVersion"), deployment.Text("runtimeVersion"), deployment.Text("airflowVersion")));
        var diff = await Site.Server.Client.GetOkAsync(
            $"/v1alpha1{Site.Server.OrganizationPath["/v1".Length..]}/deployments/{deploys.DeploymentId}/deploys/diff?deployIdBefore={before.Text("id")}&deployIdAfter={after.Text("id")}");
        string Change(string field) => diff["changes"]!.AsArray().Where(change => change!["field"]!.GetValue<string>() == field)
            .Select(change => $"{change!["old"]} > {change["new"]}").Single();
        Assert.Equal($"{first} > {second}", Change("imageDigest"));
        Assert.Equal("3.0-4 > 3.1-1", Change("runtimeVersion"));
        Assert.Equal("3.0.2 > 3.1.0", Change("airflowVersion"));
    }

    [Fact]
    public async Task Runtimes_of_images_are_known_with_their_Airflow_version()
    {
        var deploys = await Site.NewDeploymentAsync();
        await Site.DeployAsync(deploys, "3.2-30", "3.2.7");
        await Site.DeployAsync(deploys, "3.5-1", "3.5.0");

        var options = await Site.Server.Client.GetOkAsync($"{Site.Server.OrganizationPath}/deployment-options");

        var releases = options["runtimeReleases"]!.AsArray()
            .ToDictionary(release => release!["version"]!.GetValue<string>(), release => release!.AsObject());
        // The first image is no longer deployed, and no setting includes the second one.
        foreach (var (version, airflow) in ((string, string)[])[("3.2-30", "3.2.7"), ("3.5-1", "3.5.0")])
            Assert.Equal((airflow, "stable"), (releases[version].Text("airflowVersion"), releases[version].Text("channel")));
        Assert.Equal("expected", releases["3.2-31"].Text("channel"));
        await Site.Server.CreateDeploymentAsync("with a known image", runtimeVersion: "3.5-1");
    }

    [Fact]
    public async Task Image_without_an_Airflow_label_has_the_version_of_its_runtime()
    {
        var deploys = await Site.NewDeploymentAsync();

        var (deploy, _) = await Site.DeployAsync(deploys, "3.1-2");

        Assert.Equal(("3.1-2", "3.1.0"), (deploy.Text("astroRuntimeVersion"), deploy.Text("airflowVersion")));
        Assert.Equal("3.1.0", (await deploys.GetDeploymentAsync()).Text("airflowVersion"));
    }

    [Fact]
    public async Task Image_without_labels_has_no_versions()
    {
        var deploys = await Site.NewDeploymentAsync();
        await Site.DeployAsync(deploys, "9.1.0", "2.7.2");

        var (deploy, _) = await Site.DeployAsync(deploys);

        Assert.False(deploy.Has("astroRuntimeVersion"));
        Assert.Equal("NA", deploy.Text("airflowVersion"));
        var deployment = await deploys.GetDeploymentAsync();
        Assert.Equal(("", "NA"), (deployment.Text("astroRuntimeVersion"), deployment.Text("airflowVersion")));
    }

    [Theory]
    [InlineData("arm64", "amd64", "10.0.0", "linux/arm64, linux/amd64")]
    [InlineData("arm64", "s390x", "9.1.0", "linux/arm64, linux/s390x")]
    public async Task Index_versions_come_from_amd64_or_the_first_platform(string first, string second, string runtime,
        string architectures)
    {
        var deploys = await Site.NewDeploymentAsync();
        var deploy = await deploys.CreateAsync(DeployKind.ImageAndDag);
        TestImage[] images = [new("9.1.0", architecture: first), new("10.0.0", architecture: second)];
        var digest = await Site.PushIndexAsync(deploy, images);

        var done = await deploys.FinalizeAsync(deploy.Text("id"), NoVersion);

        Assert.Equal(runtime, done.Text("astroRuntimeVersion"));
        Assert.Equal(digest, (await deploys.StateAsync()).Image!.Digest);
        var row = await Site.ImageAsync(digest);
        Assert.Equal(architectures, string.Join(", ", row.Architectures));
        Assert.Equal(images.Select(image => image.Digest), row.Parts);
        var chosen = images[runtime == "10.0.0" ? 1 : 0];
        Assert.Equal(chosen.Config.Length + chosen.Layer.Length, row.Bytes);
    }

    [Theory]
    [InlineData("10.0.0", "9.1.0")]
    [InlineData("3.0-10", "3.0-9")]
    [InlineData("3.0-1", "13.0.0")]
    public async Task Older_runtime_is_rejected_by_deploys_and_allowed_in_rollbacks(string newer, string older)
    {
        var deploys = await Site.NewDeploymentAsync();
        var (first, firstDigest) = await Site.DeployAsync(deploys, older, "2.7.2");
        var (second, secondDigest) = await Site.DeployAsync(deploys, newer, "2.8.0");
        var third = await deploys.CreateAsync(DeployKind.ImageOnly);
        await Site.PushAsync(third, new TestImage(older));

        var refusal = (await deploys.TryFinalizeAsync(third.Text("id"), NoVersion)).Refusal();

        Assert.Contains(newer, refusal, StringComparison.Ordinal);
        Assert.Contains(older, refusal, StringComparison.Ordinal);
        Assert.Contains("only a rollback", refusal, StringComparison.Ordinal);
        Assert.Equal(secondDigest, (await deploys.StateAsync()).Image!.Digest);
        Assert.Equal(newer, (await deploys.GetDeploymentAsync()).Text("astroRuntimeVersion"));

        var (rollback, warning) = await RollBackAsync(deploys, first);
        Assert.Contains($"from runtime {newer} to {older}", warning, StringComparison.Ordinal);
        Assert.Equal((older, "2.7.2"), (rollback.Text("astroRuntimeVersion"), rollback.Text("airflowVersion")));
        Assert.Equal(firstDigest, (await deploys.StateAsync()).Image!.Digest);
        Assert.Equal(older, (await deploys.GetDeploymentAsync()).Text("astroRuntimeVersion"));
        var alpha = await Site.Server.Client.GetOkAsync($"{Alpha(deploys)}/{rollback.Text("id")}");
        Assert.Equal(warning, alpha.Text("statusReason"));
        Assert.Contains(warning!, await LogAsync(deploys, rollback, "finalized"));
        // A newer version again needs no warning.
        Assert.Null((await RollBackAsync(deploys, second)).Warning);
    }

    [Theory]
    [InlineData("9.1.0", null)]
    [InlineData("9.1.0", "main")]
    [InlineData("main", "9.1.0")]
    [InlineData("9.1.0", "9.1.0")]
    [InlineData("9.1.0", "9.1.0-base")]
    [InlineData("13.0.0", "3.0-1")]
    public async Task Runtime_of_unknown_age_is_deployed(string before, string? after)
    {
        var deploys = await Site.NewDeploymentAsync();
        await Site.DeployAsync(deploys, before);

        var (_, digest) = await Site.DeployAsync(deploys, after);

        Assert.Equal(digest, (await deploys.StateAsync()).Image!.Digest);
    }

    [Fact]
    public async Task Rollback_restores_digest_tag_versions_and_setting()
    {
        var deploys = await Site.NewDeploymentAsync();
        var (first, digest) = await Site.DeployAsync(deploys, "9.1.0", "2.7.2");
        await Site.PushAsync(first, new TestImage("11.0.0", "2.9.0"));
        await deploys.SetDagDeployAsync(false);
        await Site.DeployAsync(deploys, "10.0.0", "2.8.0");
        Assert.Null((await deploys.StateAsync()).Mounts.FirstOrDefault(mount => mount.Path == "dags"));

        var rollback = await deploys.RollBackAsync(first.Text("id"));

        var state = await deploys.StateAsync();
        Assert.Equal((digest, first.Text("imageTag")), (state.Image!.Digest, state.Image.Tag));
        Assert.Equal(first.Text("dagTarballVersion"), Assert.Single(state.Mounts).Version);
        Assert.Equal((first.Text("imageTag"), "9.1.0", "2.7.2"),
            (rollback.Text("imageTag"), rollback.Text("astroRuntimeVersion"), rollback.Text("airflowVersion")));
        Assert.True(await deploys.IsDagDeployEnabledAsync());
        // A later change of a bundle, by any operation, keeps the image.
        await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop");
        await DeleteBundleAsync(deploys);
        state = await deploys.StateAsync();
        Assert.Equal(digest, state.Image!.Digest);
        Assert.Equal(5, state.Revision);
    }

    [Fact]
    public async Task Image_in_Docker_format_is_accepted()
    {
        var deploys = await Site.NewDeploymentAsync();
        var deploy = await deploys.CreateAsync(DeployKind.ImageAndDag);
        var digest = await Site.PushAsync(deploy, new TestImage("9.1.0", configType: "application/vnd.docker.container.image.v1+json",
            manifestType: "application/vnd.docker.distribution.manifest.v2+json"));

        Assert.Equal("9.1.0", (await deploys.FinalizeAsync(deploy.Text("id"), NoVersion)).Text("astroRuntimeVersion"));
        Assert.Equal(digest, (await deploys.StateAsync()).Image!.Digest);
    }

    [Fact]
    public async Task Artifact_that_is_not_an_image_is_rejected()
    {
        var deploys = await Site.NewDeploymentAsync();
        var deploy = await deploys.CreateAsync(DeployKind.ImageAndDag);
        await Site.PushAsync(deploy, new TestImage(configType: "application/vnd.cncf.helm.config.v1+json"));

        Assert.Contains("not a container image", (await deploys.TryFinalizeAsync(deploy.Text("id"), NoVersion)).Refusal(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Steps_show_the_progress_of_the_image()
    {
        var deploys = await Site.NewDeploymentAsync();
        var deploy = await deploys.CreateAsync(DeployKind.ImageAndDag);
        var image = $"{deploy.Text("imageRepository")}:{deploy.Text("imageTag")}";

        Assert.Equal("created COMPLETED, uploaded PENDING, pushed PENDING, resolved PENDING, finalized PENDING",
            await StepsAsync(deploys, deploy));
        Assert.Contains($"docker push {image}", Assert.Single(await LogAsync(deploys, deploy, "pushed")), StringComparison.Ordinal);
        var digest = await Site.PushIndexAsync(deploy, new TestImage("9.1.0", "2.7.2"), new TestImage("9.1.0", "2.7.2", "arm64"));
        Assert.Equal("created COMPLETED, uploaded PENDING, pushed COMPLETED, resolved PENDING, finalized PENDING",
            await StepsAsync(deploys, deploy));
        await deploys.FinalizeAsync(deploy.Text("id"), NoVersion);
        Assert.Equal("created COMPLETED, pushed COMPLETED, resolved COMPLETED, finalized COMPLETED", await StepsAsync(deploys, deploy));
        var log = string.Join('\n', await LogAsync(deploys, deploy, "resolved"));
        Assert.Contains(image, log, StringComparison.Ordinal);
        Assert.Contains(digest, log, StringComparison.Ordinal);
        Assert.Contains("Runtime 9.1.0, Airflow 2.7.2.", log, StringComparison.Ordinal);
        Assert.Contains("linux/amd64, linux/arm64", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Concurrent_finalizes_pin_one_digest()
    {
        var deploys = await Site.NewDeploymentAsync();
        var deploy = await deploys.CreateAsync(DeployKind.ImageAndDag);
        var digest = await Site.PushAsync(deploy, new TestImage("9.1.0"));

        var responses = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => deploys.FinalizeAsync(deploy.Text("id"), NoVersion)));

        Assert.All(responses, reply => Assert.True(JsonElement.DeepEquals(responses[0], reply), reply.GetRawText()));
        var state = await deploys.StateAsync();
        Assert.Equal((1, digest), (state.Revision, state.Image!.Digest));
    }

    private string Alpha(DeploysApi deploys) =>
        $"/v1alpha1{Site.Server.OrganizationPath["/v1".Length..]}/deployments/{deploys.DeploymentId}/deploys";

    private async Task<string> StepsAsync(DeploysApi deploys, JsonElement deploy) => string.Join(", ",
        (await Site.Server.Client.GetOkAsync($"{Alpha(deploys)}/{deploy.Text("id")}/steps"))["deploySteps"]!.AsArray()
        .Select(step => $"{step!["id"]} {step["status"]}"));

    private async Task<List<string>> LogAsync(DeploysApi deploys, JsonElement deploy, string step) =>
        [.. (await Site.Server.Client.GetOkAsync($"{Alpha(deploys)}/{deploy.Text("id")}/steps/{step}/logs"))["entries"]!.AsArray()
            .Select(entry => entry!["message"]!.GetValue<string>())];

    private async Task<(JsonElement Deploy, string? Warning)> RollBackAsync(DeploysApi deploys, JsonElement to)
    {
        using var response = await Site.Server.Client.PostAsync(
            $"{Site.Server.OrganizationPath}/deployments/{deploys.DeploymentId}/deploys/{to.Text("id")}/rollback", JsonRequests.Json("{}"),
            TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var body = JsonElement.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return (body, response.Headers.TryGetValues("X-Updraft-Warning", out var values) ? values.Single() : null);
    }

    private async Task DeleteBundleAsync(DeploysApi deploys)
    {
        var path = $"{Site.Server.OrganizationPath}/deployments/{deploys.DeploymentId}/bundles";
        var bundle = (await Site.Server.Client.GetOkAsync(path))["bundles"]!.AsArray()
            .Single(row => row!["isDagBundle"]?.GetValue<bool>() == false)!;
        using var response = await Site.Server.Client.DeleteAsync($"{path}/{bundle["id"]}", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }
}
