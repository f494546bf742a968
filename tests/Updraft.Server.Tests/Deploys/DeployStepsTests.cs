using System.Text.Json.Nodes;
using Updraft.Protocol;
using Updraft.Server.Tests.Deploys.Bundles;
using Updraft.Server.Tests.Rollouts;

namespace Updraft.Server.Tests.Deploys;

/// <summary>The steps of a deploy, and the differences of two deploys.</summary>
public sealed class DeployStepsTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Deploy_steps_go_from_created_to_finalized()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var deploy = await Server.Client.PostOkAsync(bundles.AlphaDeploys, new JsonObject { ["type"] = "DAG" });
        var path = $"{bundles.AlphaDeploys}/{deploy.Text("id")}";

        Assert.Equal(["created COMPLETED", "uploaded PENDING", "finalized PENDING"], await StepsAsync(path));
        var version = await bundles.UploadAsync(deploy.Text("dagsUploadUrl"), "one");
        Assert.Equal(["created COMPLETED", "uploaded COMPLETED", "finalized PENDING"], await StepsAsync(path));
        await bundles.FinalizeAsync(deploy.Text("id"), "dagTarballVersion", version);
        Assert.Equal(["created COMPLETED", "uploaded COMPLETED", "finalized COMPLETED"], await StepsAsync(path));

        Assert.Contains(", of type DAG_ONLY.", Assert.Single(await LogAsync(path, "created")));
        Assert.Equal($"Version {version}: 1 files, 3 bytes.", Assert.Single(await LogAsync(path, "uploaded")));
        Assert.Equal(["Revision 1 names no image.", $"/usr/local/airflow/dags gets version {version}."], await LogAsync(path, "finalized"));
        using var unknown = await Server.Client.GetAsync($"{path}/steps/nothing/logs", Cancelled);
        Assert.Contains("no step 'nothing'", (await unknown.ReadAsync(System.Net.HttpStatusCode.NotFound)).Text("message"));
    }

    [Fact]
    public async Task Each_agent_has_steps_with_the_reason_of_its_failure()
    {
        var site = await AgentSite.CreateAsync(Server);
        var v1 = $"{Server.OrganizationPath}/deployments/{site.DeploymentId}/deploys";
        var path = v1.Replace("/v1/", "/v1alpha1/", StringComparison.Ordinal);
        var deploy = await Server.Client.PostOkAsync(path, new JsonObject { ["type"] = "IMAGE" });
        await Server.Client.PostOkAsync($"{v1}/{deploy.Text("id")}/finalize", new JsonObject { ["dagTarballVersion"] = "" });
        path += "/" + deploy.Text("id");
        var (first, second) = (await site.EnrollAsync("one"), await site.EnrollAsync("two"));
        var (one, two) = (first.Enrolment.AgentId, second.Enrolment.AgentId);

        Assert.Equal($"prepared-{one} RUNNING", (await StepsAsync(path))
            .Single(step => step.StartsWith($"prepared-{one}", StringComparison.Ordinal)));
        await first.ReportAsync(AgentPhase.Prepared, 1, 0);
        await second.ReportAsync(AgentPhase.Failed, 1, 0, message: "the disk is full");

        var steps = await StepsAsync(path);
        Assert.Contains($"prepared-{one} COMPLETED", steps);
        Assert.Contains($"activated-{one} RUNNING", steps);
        Assert.Contains($"prepared-{two} UP_FOR_RETRY", steps);
        Assert.Contains($"activated-{two} PENDING", steps);
        Assert.Equal(["the disk is full"], await LogAsync(path, $"prepared-{two}"));
        Assert.Equal("scheduler on two: the disk is full", (await Server.Client.GetOkAsync(path)).Text("statusReason"));

        await first.ReportAsync(AgentPhase.Active, 1, 1);
        await second.ReportAsync(AgentPhase.Prepared, 1, 0);
        await second.ReportAsync(AgentPhase.Active, 1, 1);

        Assert.All((await StepsAsync(path)).Where(step => !step.StartsWith("uploaded", StringComparison.Ordinal)),
            step => Assert.EndsWith("COMPLETED", step));
        Assert.Equal("the disk is full", (await LogAsync(path, $"prepared-{two}"))[0]);
        Assert.Contains("fetched 0 bytes", (await LogAsync(path, $"prepared-{two}"))[1]);
        Assert.False((await Server.Client.GetOkAsync(path)).ContainsKey("statusReason"));
    }

    [Fact]
    public async Task Steps_are_paged_and_sorted()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var path = $"{bundles.AlphaDeploys}/{(await bundles.DeployDagsAsync("one")).Text("id")}";

        var page = await Server.Client.GetOkAsync($"{path}/steps?limit=1&offset=1");
        Assert.Equal(("uploaded", 1, 1, 3), (Assert.Single(page["deploySteps"]!.AsArray())!.AsObject().Text("id"), (int)page["limit"]!,
            (int)page["offset"]!, (int)page["totalCount"]!));
        Assert.Equal(["finalized", "uploaded", "created"],
            (await Server.Client.GetOkAsync($"{path}/steps?sorts=endedAt:desc"))["deploySteps"]!.AsArray()
            .Select(step => step!.AsObject().Text("id")));
        using var wrong = await Server.Client.GetAsync($"{path}/steps?sorts=id:asc", Cancelled);
        await wrong.ReadAsync(System.Net.HttpStatusCode.BadRequest);
        var log = await Server.Client.GetOkAsync($"{path}/steps/finalized/logs?limit=1&offset=1&searchId=again");
        Assert.Equal(("again", 1, 2), (log.Text("searchId"), log["entries"]!.AsArray().Count, (int)log["totalCount"]!));
    }

    [Fact]
    public async Task Diff_contains_exactly_the_changed_fields()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var before = await bundles.DeployDagsAsync("one");
        await bundles.CreateDagAsync("finance");
        var finance = await bundles.DeployDagsAsync("finance", "finance");
        var shop = (await bundles.DeployBundleAsync("/usr/local/airflow/dbt/shop", "shop"))["bundles"]![0]!.AsObject()
            .Text("desiredVersion");
        var image = await Server.Client.PostOkAsync(bundles.Deploys, new JsonObject
        {
            ["type"] = "IMAGE_ONLY",
            ["git"] = new JsonObject
            {
                ["provider"] = "GENERIC",
                ["commitSha"] = "abc",
                ["remoteUrl"] = "git@host:shop.git",
                ["branch"] = "main",
            },
        });
        await bundles.FinalizeAsync(image.Text("id"), "dagTarballVersion", "");

        var diff = await DiffAsync(bundles, before.Text("id"), image.Text("id"));
        var back = await DiffAsync(bundles, image.Text("id"), before.Text("id"));

        Assert.Equal(
        [
            $"image imageRepository: -> {image.Text("imageRepository")}",
            $"image imageTag: -> {image.Text("imageTag")}",
            $"version bundles[/usr/local/airflow/bundles/finance].desiredVersion: -> {finance.Text("dagTarballVersion")}",
            $"version bundles[/usr/local/airflow/dbt/shop].desiredVersion: -> {shop}",
            "git git.commitSha: -> abc",
            "git git.branch: -> main",
            "git git.repo: -> git@host:shop.git",
        ], diff);
        Assert.Equal(diff.Count, back.Count);
        Assert.Contains($"image imageTag: {image.Text("imageTag")} -> ", back);
        Assert.Empty(await DiffAsync(bundles, before.Text("id"), before.Text("id")));
    }

    [Fact]
    public async Task Diff_needs_two_finalized_deploys()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var done = (await bundles.DeployDagsAsync("one")).Text("id");
        var open = (await Server.Client.PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "DAG_ONLY" })).Text("id");
        foreach (var (query, status, message) in ((string, int, string)[])
        [
            ("", 400, "are required"),
            ($"?deployIdBefore={done}", 400, "are required"),
            ($"?deployIdBefore={open}&deployIdAfter={done}", 400, "was never finalized"),
            ($"?deployIdBefore={done}&deployIdAfter=clvetru2w000201mowqwua63n", 404, "no deploy"),
        ])
        {
            using var response = await Server.Client.GetAsync($"{bundles.AlphaDeploys}/diff{query}", Cancelled);
            Assert.Contains(message, (await response.ReadAsync((System.Net.HttpStatusCode)status)).Text("message"));
        }
    }

    private async Task<IReadOnlyList<string>> StepsAsync(string deploy) =>
        [.. (await Server.Client.GetOkAsync($"{deploy}/steps"))["deploySteps"]!.AsArray()
        .Select(step => $"{step!.AsObject().Text("id")} {step.AsObject().Text("status")}")];

    private async Task<IReadOnlyList<string>> LogAsync(string deploy, string step) => [.. (await Server.Client.GetOkAsync(
        $"{deploy}/steps/{step}/logs"))["entries"]!.AsArray().Select(entry => entry!.AsObject().Text("message"))];

    private async Task<IReadOnlyList<string>> DiffAsync(BundlesApi bundles, string before, string after)
    {
        var diff = await Server.Client.GetOkAsync($"{bundles.AlphaDeploys}/diff?deployIdBefore={before}&deployIdAfter={after}");
        Assert.Equal((before, after), (diff["deployBefore"]!.AsObject().Text("id"), diff["deployAfter"]!.AsObject().Text("id")));
        return [.. diff["changes"]!.AsArray().Select(change => change!.AsObject()).Select(change =>
            $"{change.Text("category")} {change.Text("field")}: {(change["old"] is { } old ? $"{old} " : "")}-> {change["new"]}")];
    }
}
