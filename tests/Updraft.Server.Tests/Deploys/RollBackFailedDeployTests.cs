using System.Net;
using System.Text.Json.Nodes;
using Updraft.Protocol;
using Updraft.Server.Tests.Events;
using Updraft.Server.Tests.Rollouts;

namespace Updraft.Server.Tests.Deploys;

/// <summary>Deploys whose image does not become ready, and automatic rollbacks.</summary>
public sealed class RollBackFailedDeployTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private AgentSite _site = null!;

    private UpdraftServer Server => shared.Server;

    private string Deploys => $"{Server.OrganizationPath}/deployments/{_site.DeploymentId}/deploys";

    private string AlphaDeploys => Deploys.Replace("/v1/", "/v1alpha1/", StringComparison.Ordinal);

    [Fact]
    public async Task Failed_image_fails_its_deploy_and_triggers_automatic_rollback()
    {
        _site = await AgentSite.CreateAsync(Server);
        var (agent, other) = (await _site.EnrollAsync("driver", imageDriver: "exec"), await _site.EnrollAsync("other"));
        var good = await DeployAsync();
        await agent.ReportAsync(AgentPhase.Active, 1, 1, ImageOf(good));
        await other.ReportAsync(AgentPhase.Active, 1, 1);
        var bad = await DeployAsync();
        var waiting = other.AskAsync(2, "PREPARE", wait: 60);

        var told = await agent.AbortAsync(2, 1, ImageOf(good));
        var again = await agent.AbortAsync(2, 1, ImageOf(good));

        Assert.Equal((3, ImageOf(good)), (told.Revision, told.Image));
        Assert.Equal(told.Revision, again.Revision);
        Assert.Equal(3, (await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken))!.Revision);
        Assert.Equal("FAILED", (await GetAsync(bad)).Text("status"));
        Assert.Equal("scheduler on driver: exit code 3", (await Server.Client.GetOkAsync($"{AlphaDeploys}/{bad.Text("id")}"))
            .Text("statusReason"));
        var history = (await Server.Client.GetOkAsync(Deploys))["deploys"]!.AsArray().Select(row => row!.AsObject()).ToList();
        Assert.Equal(["DEPLOYED", "FAILED", "DEPLOYED"], history.Select(row => row.Text("status")));
        var back = history[0];
        Assert.Equal((good.Text("id"), good.Text("imageTag"),
            $"Automatic rollback: the image of deploy {bad.Text("id")} did not become ready at scheduler on driver"),
            (back.Text("rollbackFromId"), back.Text("imageTag"), back.Text("description")));
        Assert.Equal("SERVICEKEY", back["createdBySubject"]!.AsObject().Text("subjectType"));

        var log = (await Server.ReadLogAsync($"deploymentId={_site.DeploymentId}&type=deploy&limit=2"))
            .Select(row => (row.Text("type"), row.Text("deployId"), row["by"]!.AsObject().Text("apiTokenName")));
        Assert.Equal([("deploy.rolled_back", back.Text("id"), "agent"), ("deploy.failed", bad.Text("id"), "agent")], log);

        Assert.Equal("DEPLOYING", (await _site.ReadConditionAsync()).Status);
        await agent.ReportAsync(AgentPhase.Active, 3, 3, ImageOf(good));
        await other.ReportAsync(AgentPhase.Active, 3, 3);
        Assert.Equal(("HEALTHY", good.Text("imageTag")),
            ((await _site.ReadConditionAsync()).Status, (await _site.ReadConditionAsync()).ImageTag));

        // No operation makes the failed deploy current again.
        Assert.Contains("has failed", await ErrorAsync(bad, "finalize", """{"dagTarballVersion":""}"""));
        Assert.Contains("has failed", await ErrorAsync(bad, "rollback", "{}"));
        Assert.Equal("DEPLOYED", (await DeployAsync()).Text("status"));
    }

    [Fact]
    public async Task Failed_image_without_an_earlier_one_only_fails_the_deploy()
    {
        _site = await AgentSite.CreateAsync(Server);
        var agent = await _site.EnrollAsync(imageDriver: "exec");
        var first = await DeployAsync();

        Assert.Equal((1, StatePhase.Prepare), Of(await agent.AbortAsync(1)));

        Assert.Equal("FAILED", (await GetAsync(first)).Text("status"));
        Assert.Equal(("UNHEALTHY", "1 of 1 agent failed revision 1. scheduler on host-1: exit code 3"),
            ((await _site.ReadConditionAsync()).Status, (await _site.ReadConditionAsync()).StatusReason));
    }

    [Fact]
    public async Task Automatic_rollback_is_never_rolled_back()
    {
        _site = await AgentSite.CreateAsync(Server);
        var agent = await _site.EnrollAsync(imageDriver: "exec");
        await DeployAsync();
        await DeployAsync();
        await DeployAsync();

        Assert.Equal(4, (await agent.AbortAsync(3)).Revision);
        Assert.Equal(4, (await agent.AbortAsync(4)).Revision);

        Assert.Equal(["FAILED", "FAILED", "DEPLOYED", "DEPLOYED"], await StatusesAsync());
    }

    [Fact]
    public async Task Automatic_rollback_skips_deploys_with_the_same_image()
    {
        _site = await AgentSite.CreateAsync(Server);
        var agent = await _site.EnrollAsync(imageDriver: "exec");
        var good = await DeployAsync();
        await DeployAsync();
        await DeployBundleRemovalAsync();

        var told = await agent.AbortAsync(3);

        Assert.Equal((4, ImageOf(good)), (told.Revision, told.Image));
        Assert.Equal(["DEPLOYED", "FAILED", "DEPLOYED", "DEPLOYED"], await StatusesAsync());
    }

    [Fact]
    public async Task Failed_image_of_an_older_deploy_triggers_no_rollback()
    {
        _site = await AgentSite.CreateAsync(Server);
        var agent = await _site.EnrollAsync(imageDriver: "exec");
        await DeployAsync();
        await DeployAsync();
        await DeployAsync();

        Assert.Equal(3, (await agent.AbortAsync(2)).Revision);

        Assert.Equal(["DEPLOYED", "FAILED", "DEPLOYED"], await StatusesAsync());
    }

    [Fact]
    public async Task Image_that_is_ready_at_another_agent_is_not_rolled_back()
    {
        _site = await AgentSite.CreateAsync(Server);
        var proven = await _site.EnrollAsync("proven", imageDriver: "exec");
        await DeployAsync();
        var second = await DeployAsync();
        await proven.ReportAsync(AgentPhase.Prepared, 2, 0, ImageOf(second));
        await proven.ReportAsync(AgentPhase.Active, 2, 2, ImageOf(second));

        var late = await _site.EnrollAsync("late", imageDriver: "exec");
        Assert.Equal((2, StatePhase.Prepare), Of(await late.AbortAsync(2)));

        Assert.Equal(["DEPLOYED", "DEPLOYED"], await StatusesAsync());
        Assert.Equal("UNHEALTHY", (await _site.ReadConditionAsync()).Status);
    }

    [Fact]
    public async Task Agent_steps_are_between_prepared_and_activated_with_logs()
    {
        _site = await AgentSite.CreateAsync(Server);
        var agent = await _site.EnrollAsync(imageDriver: "exec");
        var id = agent.Enrolment.AgentId;
        var deploy = $"{AlphaDeploys}/{(await DeployAsync()).Text("id")}";
        var now = DateTimeOffset.UnixEpoch.AddYears(60);
        var check = Step("check/dags", StepStatus.Completed, now, "fine");
        var image = Step("image", StepStatus.Running, now.AddSeconds(5), [.. Enumerable.Range(0, 250).Select(i => $"line {i}")]);
        await agent.SendAsync(agent.Report(AgentPhase.Preparing, 1, 0) with { Steps = [image, check] });

        Assert.Equal([$"prepared-{id} RUNNING", $"check:dags-{id} COMPLETED", $"image-{id} RUNNING", $"activated-{id} PENDING"],
            await AgentStepsAsync(deploy));
        Assert.Equal(("line 50", "line 249", 200),
            (Lines(await LogAsync(deploy, $"image-{id}"))[0], Lines(await LogAsync(deploy, $"image-{id}"))[^1],
            (int)(await LogAsync(deploy, $"image-{id}"))["totalCount"]!));
        Assert.Equal("DEPLOYING", (await _site.ReadConditionAsync()).Status);

        var failed = Step("image", StepStatus.Failed, now.AddSeconds(5), "\u001b[31mred", new string('x', 1200));
        await agent.SendAsync(agent.Report(AgentPhase.Failed, 1, 0, message: "no") with { Steps = [check, failed], HasGivenUp = true });

        Assert.Equal([$"prepared-{id} FAILED", $"check:dags-{id} COMPLETED", $"image-{id} FAILED", $"activated-{id} PENDING"],
            await AgentStepsAsync(deploy));
        Assert.Equal(["?[31mred", new string('x', 1000)], Lines(await LogAsync(deploy, $"image-{id}")));
        Assert.Equal("Image rolled out by scheduler on host-1",
            (await Server.Client.GetOkAsync($"{deploy}/steps"))["deploySteps"]!.AsArray()
            .Select(row => row!.AsObject()).Single(row => row.Text("id") == $"image-{id}").Text("label"));
    }

    [Fact]
    public async Task Late_progress_report_changes_neither_status_nor_steps()
    {
        _site = await AgentSite.CreateAsync(Server);
        var agent = await _site.EnrollAsync(imageDriver: "exec");
        var deploy = await DeployAsync();
        var path = $"{AlphaDeploys}/{deploy.Text("id")}";
        var now = DateTimeOffset.UnixEpoch.AddYears(60);
        var done = Step("image", StepStatus.Completed, now, "runs");
        await agent.SendAsync(agent.Report(AgentPhase.Prepared, 1, 0) with { Image = ImageOf(deploy), Steps = [done] });

        var late = Step("image", StepStatus.Running, now, "late");
        var response = await agent.SendAsync(agent.Report(AgentPhase.Preparing, 1, 0) with { Steps = [late] });

        Assert.Equal(StatePhase.Activate, response.Phase);
        Assert.Contains($"image-{agent.Enrolment.AgentId} COMPLETED", await AgentStepsAsync(path));
        await DeployAsync();
        await agent.SendAsync(agent.Report(AgentPhase.Preparing, 2, 0));
        await agent.SendAsync(agent.Report(AgentPhase.Preparing, 1, 0) with { Steps = [Step("image", StepStatus.Running, now, "later")] });
        Assert.Contains($"image-{agent.Enrolment.AgentId} COMPLETED", await AgentStepsAsync(path));
    }

    [Fact]
    public async Task Agent_without_a_driver_may_report_at_most_50_steps()
    {
        _site = await AgentSite.CreateAsync(Server);
        var agent = await _site.EnrollAsync();
        await DeployAsync();
        var fifty = Enumerable.Range(0, 51).Select(i => Step($"s{i}", StepStatus.Running, DateTimeOffset.UnixEpoch.AddYears(60))).ToList();

        await agent.SendAsync(agent.Report(AgentPhase.Preparing, 1, 0) with { Image = new("r", "t"), Steps = fifty[..50] });
        var error = await _site.Client.PostErrorAsync(AgentRoutes.Report, System.Text.Json.JsonSerializer.Serialize(
            agent.Report(AgentPhase.Preparing, 1, 0) with { Steps = fifty }, AgentJson.Default.AgentReport), HttpStatusCode.BadRequest);

        Assert.Contains("at most 50", error);
    }

    private static (long, StatePhase) Of(DesiredState state) => (state.Revision, state.Phase);

    private static StepReport Step(string name, StepStatus status, DateTimeOffset at, params string[] lines) => new()
    {
        Name = name,
        Status = status,
        StartedAt = at,
        EndedAt = status == StepStatus.Running ? null : at.AddSeconds(1),
        Log = [.. lines.Select(line => new StepLine(at, line))],
    };

    private static ImageReference ImageOf(JsonObject deploy) => new(deploy.Text("imageRepository"), deploy.Text("imageTag"));

    private static List<string> Lines(JsonObject log) => [.. log["entries"]!.AsArray().Select(row => row!.AsObject().Text("message"))];

    private Task<JsonObject> LogAsync(string deploy, string step) => Server.Client.GetOkAsync($"{deploy}/steps/{step}/logs?limit=1000");

    private async Task<IEnumerable<string>> AgentStepsAsync(string deploy) =>
        (await Server.Client.GetOkAsync($"{deploy}/steps"))["deploySteps"]!
        .AsArray().Select(row => row!.AsObject()).Select(row => $"{row.Text("id")} {row.Text("status")}")
        .Where(row => row.Contains('-', StringComparison.Ordinal));

    private async Task<IEnumerable<string>> StatusesAsync() =>
        (await Server.Client.GetOkAsync(Deploys))["deploys"]!.AsArray().Select(row => row!.AsObject().Text("status"));

    private Task<JsonObject> GetAsync(JsonObject deploy) => Server.Client.GetOkAsync($"{Deploys}/{deploy.Text("id")}");

    private Task<string> ErrorAsync(JsonObject deploy, string operation, string body) =>
        Server.Client.PostErrorAsync($"{Deploys}/{deploy.Text("id")}/{operation}", body, HttpStatusCode.BadRequest);

    private async Task<JsonObject> DeployAsync()
    {
        var deploy = await Server.Client.PostOkAsync(Deploys, new JsonObject { ["type"] = "IMAGE_AND_DAG" });
        return await Server.Client.PostOkAsync($"{Deploys}/{deploy.Text("id")}/finalize", new JsonObject { ["dagTarballVersion"] = "" });
    }

    /// <summary>A deploy that keeps the image.</summary>
    private async Task DeployBundleRemovalAsync()
    {
        var deploy = await Server.Client.PostOkAsync(Deploys,
            new JsonObject { ["type"] = "BUNDLE", ["bundleType"] = "dbt", ["bundleMountPath"] = "/usr/local/airflow/dbt/shop" });
        await Server.Client.PostOkAsync($"{Deploys}/{deploy.Text("id")}/finalize", new JsonObject { ["bundleTarballVersion"] = "" });
    }
}
