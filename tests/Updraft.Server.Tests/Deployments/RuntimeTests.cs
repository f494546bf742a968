using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Updraft.Server.Tests.Deploys;
using Updraft.Server.Tests.Deploys.Bundles;

namespace Updraft.Server.Tests.Deployments;

/// <summary>Runtimes before the first image: the versions that are known, and the Airflow version that follows from them.</summary>
public sealed class RuntimeTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    // The astro CLI compares the runtime of an image with each entry, and deploys nothing without an equal one.
    [Fact]
    public async Task Options_list_the_next_versions_of_each_series()
    {
        // On a server of its own, because a Deployment with one of these versions makes it a seen one.
        await using var server = await UpdraftServer.StartAsync();
        var releases = await ReleasesAsync(server);

        foreach (var version in (string[])["3.3-2", "3.3-20", "3.0-14", "13.4.0", "13.5.1", "11.3.0"])
        {
            var release = Assert.Single(releases, release => release.Text("version") == version);
            Assert.Equal((version, "expected"), (version, release.Text("channel")));
        }
    }

    [Fact]
    public async Task Known_versions_are_first_and_expected_versions_are_last()
    {
        await using var server = await UpdraftServer.StartAsync(settings: Releases("3.3-*=3.3.0@2026-07-06 13.*=2.11.0@2025-05-20"));
        Assert.Equal(["3.3-1", "13.0.0"], await StableAsync(server));

        await server.CreateDeploymentAsync("newer", runtimeVersion: "3.3-15");
        await server.CreateDeploymentAsync("newer too", runtimeVersion: "13.40.2-base");

        Assert.Equal(["3.3-15", "3.3-1", "13.40.2-base", "13.0.0"], await StableAsync(server));
        var releases = await ReleasesAsync(server);
        Assert.Equal(releases.Count, releases.Select(release => release.Text("version")).Distinct().Count());
        Assert.Equal(releases, releases.OrderBy(release => release.Text("channel") == "expected"));
        var versions = releases.Select(release => release.Text("version")).ToList();
        Assert.Superset(new HashSet<string> { "3.3-16", "3.3-35", "13.40.3", "13.41.0", "13.60.0" }, versions.ToHashSet());
        Assert.DoesNotContain("3.3-36", versions);
        Assert.DoesNotContain("13.61.0", versions);
    }

    [Fact]
    public async Task Huge_version_does_not_lengthen_the_list()
    {
        await using var server = await UpdraftServer.StartAsync(settings: Releases("13.*=2.11.0@2025-05-20"));
        var before = (await ReleasesAsync(server)).Count;

        await server.CreateDeploymentAsync("huge", runtimeVersion: "13.999999.999999");

        Assert.InRange((await ReleasesAsync(server)).Count, before, 2 * before + 10);
    }

    [Theory]
    [InlineData("9.9-9")]
    [InlineData("3.4-1")]
    [InlineData("3.3.1")]
    [InlineData("14.0.0")]
    [InlineData("main")]
    public async Task Unknown_runtime_is_rejected_with_the_list(string version)
    {
        var body = new JsonObject { ["name"] = $"mistyped {version}", ["workspaceId"] = Server.WorkspaceId, ["astroRuntimeVersion"] = version };

        var error = await Server.Client.PostErrorAsync($"{Server.OrganizationPath}/deployments", body.ToJsonString(), HttpStatusCode.BadRequest);

        Assert.Contains($"'{version}'", error);
        Assert.Contains("3.3-*", error);
        var list = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/deployments?names={Uri.EscapeDataString($"mistyped {version}")}");
        Assert.Equal(0, (int)list["totalCount"]!);
        Assert.DoesNotContain(version, (await ReleasesAsync(Server)).Select(release => release.Text("version")));
    }

    [Theory]
    [InlineData("3.3-1", "3.3.0")]
    [InlineData("3.3-1-base", "3.3.0")]
    [InlineData("12.0.0", "2.10.0")]
    [InlineData("11.3.0", "2.9.0")]
    [InlineData(null, "NA")]
    public async Task Airflow_version_follows_from_the_runtime_before_the_first_image(string? runtime, string airflow)
    {
        var deploys = new JsonObject { ["type"] = "DAG_ONLY" };
        var id = await Server.CreateDeploymentAsync($"derived {runtime}", runtimeVersion: runtime);

        foreach (var prefix in (string[])["/v1", "/platform/v1beta1", "/v1alpha1"])
        {
            var deployment = await Server.Client.GetOkAsync($"{prefix}/organizations/{Server.OrganizationId}/deployments/{id}");
            Assert.Equal((runtime ?? "", airflow), (deployment.Text("runtimeVersion"), deployment.Text("airflowVersion")));
        }
        var list = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/deployments?deploymentIds={id}");
        Assert.Equal(airflow, list["deployments"]![0]!["airflowVersion"]!.GetValue<string>());
        Assert.Equal("NA", (await Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments/{id}/deploys", deploys)).Text("airflowVersion"));
    }

    [Fact]
    public async Task DAG_deploy_before_the_first_image_has_the_derived_Airflow_version()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server, runtimeVersion: "3.2-1");

        var deploy = await bundles.DeployDagsAsync("one");

        Assert.Equal(("3.2-1", "3.2.0"), (deploy.Text("astroRuntimeVersion"), deploy.Text("airflowVersion")));
    }

    [Theory]
    [InlineData("12.0.0", true)]
    [InlineData("13.4.0", true)]
    [InlineData("3.0-1", false)]
    public async Task Named_DAG_bundles_need_a_runtime_with_Airflow_3(string runtime, bool isRejected)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server, runtimeVersion: runtime);

        if (isRejected)
            Assert.Contains("need Airflow 3", await bundles.CreateErrorAsync("""{"name":"finance"}"""));
        else
            await bundles.CreateDagAsync("finance");
    }

    [Fact]
    public async Task Update_corrects_the_runtime_before_the_first_image()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server, runtimeVersion: "3.2-1");
        var first = await bundles.DeployDagsAsync("one");

        var corrected = await UpdateAsync(bundles, "3.3-1");
        var kept = await UpdateAsync(bundles, null);
        await Server.Client.PostErrorAsync(bundles.Deployment, (await BodyAsync(bundles, "9.9-9")).ToJsonString(), HttpStatusCode.BadRequest);
        await bundles.DeployDagsAsync("two");
        await bundles.RollBackDeployAsync(first.Text("id"));

        Assert.Equal(("3.3-1", "3.3.0"), (corrected.Text("astroRuntimeVersion"), corrected.Text("airflowVersion")));
        Assert.Equal("3.3-1", kept.Text("astroRuntimeVersion"));
        Assert.Equal("3.3-1", (await Server.Client.GetOkAsync(bundles.Deployment)).Text("astroRuntimeVersion"));
    }

    [Fact]
    public async Task Update_does_not_change_the_runtime_of_a_deployed_image()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server, runtimeVersion: "3.2-1");
        var image = await Server.Client.PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "IMAGE_AND_DAG" });
        await bundles.FinalizeAsync(image.Text("id"), "dagTarballVersion", "");

        var error = await Server.Client.PostErrorAsync(bundles.Deployment, (await BodyAsync(bundles, "3.3-1")).ToJsonString(),
            HttpStatusCode.BadRequest);

        Assert.Contains("'astroRuntimeVersion' must be '3.2-1' or absent", error);
        Assert.Equal("3.2-1", (await UpdateAsync(bundles, "3.2-1")).Text("astroRuntimeVersion"));
    }

    [Theory]
    [InlineData("3.*-1=3.3.0@2026-07-06")]
    [InlineData("3.3-**=3.3.0@2026-07-06")]
    [InlineData("3.3*=3.3.0@2026-07-06")]
    [InlineData("3.3-*=3.3.0")]
    [InlineData("3.3-*")]
    public async Task Invalid_series_is_named_at_the_start(string releases)
    {
        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(() => UpdraftServer.StartAsync(settings: Releases(releases)));

        Assert.Contains("Runtimes:Releases", refusal.Message);
    }

    private static Dictionary<string, string> Releases(string releases) => new(StringComparer.Ordinal) { ["Runtimes:Releases"] = releases };

    private static async Task<IReadOnlyList<JsonObject>> ReleasesAsync(UpdraftServer server) =>
        [.. (await server.Client.GetOkAsync($"{server.OrganizationPath}/deployment-options"))["runtimeReleases"]!.AsArray()
            .Select(release => release!.AsObject())];

    private static async Task<IEnumerable<string>> StableAsync(UpdraftServer server) => (await ReleasesAsync(server))
        .Where(release => release.Text("channel") == "stable").Select(release => release.Text("version"));

    private async Task<JsonObject> BodyAsync(BundlesApi bundles, string? runtime)
    {
        var body = await Server.Client.GetOkAsync(bundles.Deployment);
        body.Remove("astroRuntimeVersion");
        if (runtime is not null)
            body["astroRuntimeVersion"] = runtime;
        return body;
    }

    private async Task<JsonObject> UpdateAsync(BundlesApi bundles, string? runtime) =>
        await Server.Client.PostOkAsync(bundles.Deployment, await BodyAsync(bundles, runtime));
}
