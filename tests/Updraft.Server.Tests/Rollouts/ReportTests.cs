using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using Updraft.Protocol;
using Updraft.Server.Deployments;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Rollouts;

public sealed class ReportTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private const string First = "2026-01-01T00:00:00.0000001Z", Second = "2026-01-01T00:00:00.0000002Z";

    [Fact]
    public async Task Deployment_before_the_first_deploy_is_healthy()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        await site.EnrollAsync();

        var condition = await site.ReadConditionAsync();

        Assert.Equal(("HEALTHY", null, null, null),
            (condition.Status, condition.StatusReason, condition.DesiredDagVersion, condition.CurrentDagVersion));
    }

    [Fact]
    public async Task Deployment_without_agents_stays_healthy_after_a_deploy()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        await site.CommitAsync(First);

        var condition = await site.ReadConditionAsync();

        Assert.Equal(("HEALTHY", "deploy-1", First, null),
            (condition.Status, condition.ImageTag, condition.DesiredDagVersion, condition.CurrentDagVersion));
    }

    [Fact]
    public async Task Deployment_is_deploying_until_all_live_agents_run_the_newest_revision()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agents = new[] { await site.EnrollAsync("a"), await site.EnrollAsync("b") };
        var revision = await site.CommitAsync(First);
        Assert.Equal("DEPLOYING", (await site.ReadConditionAsync()).Status);

        await agents[0].ConvergeAsync(revision, First);
        var half = await site.ReadConditionAsync();
        await agents[1].ConvergeAsync(revision, First);
        var done = await site.ReadConditionAsync();

        Assert.Equal(("DEPLOYING", "1 of 2 agents run revision 1.", null), (half.Status, half.StatusReason, half.CurrentDagVersion));
        Assert.Equal(("HEALTHY", null, First), (done.Status, done.StatusReason, done.CurrentDagVersion));
    }

    [Fact]
    public async Task Current_version_is_that_of_the_agent_furthest_behind()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agents = new[] { await site.EnrollAsync("a"), await site.EnrollAsync("b") };
        var first = await site.CommitAsync(First);
        foreach (var agent in agents)
            await agent.ConvergeAsync(first, First);

        var second = await site.CommitAsync(Second);
        await agents[0].ConvergeAsync(second, Second);

        var condition = await site.ReadConditionAsync();
        Assert.Equal((First, First, Second),
            (await site.ReadCurrentVersionAsync(), condition.CurrentDagVersion, condition.DesiredDagVersion));
    }

    [Fact]
    public async Task Failed_agent_makes_the_Deployment_unhealthy_with_a_reason()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agents = new[] { await site.EnrollAsync("a"), await site.EnrollAsync("b") };
        var revision = await site.CommitAsync(First);
        await agents[0].ConvergeAsync(revision, First);

        await agents[1].ReportAsync(AgentPhase.Failed, revision, activeRevision: 0, message: "no space left");

        var condition = await site.ReadConditionAsync();
        Assert.Equal(("UNHEALTHY", "1 of 2 agents failed revision 1. scheduler on b: no space left"),
            (condition.Status, condition.StatusReason));
    }

    [Fact]
    public async Task Failure_does_not_count_for_a_newer_revision()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        await agent.ReportAsync(AgentPhase.Failed, await site.CommitAsync(First), activeRevision: 0, message: "bad");

        await site.CommitAsync(Second);

        Assert.Equal("DEPLOYING", (await site.ReadConditionAsync()).Status);
    }

    [Fact]
    public async Task Deployment_without_live_agents_is_unhealthy_and_keeps_its_current_version()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var server = await UpdraftServer.StartAsync(clock);
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        await agent.ConvergeAsync(await site.CommitAsync(First), First);

        clock.Advance(TimeSpan.FromSeconds(61));

        var condition = await site.ReadConditionAsync();
        Assert.Equal(("UNHEALTHY", "No agent is live; the last heartbeat was at 2026-01-01T00:00:00Z.", First),
            (condition.Status, condition.StatusReason, condition.CurrentDagVersion));
        Assert.Equal(First, await site.ReadCurrentVersionAsync());
    }

    [Fact]
    public async Task Dead_agent_does_not_delay_others()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var server = await UpdraftServer.StartAsync(clock);
        var site = await AgentSite.CreateAsync(server);
        await site.EnrollAsync("dead");
        clock.Advance(TimeSpan.FromSeconds(61));
        var agent = await site.EnrollAsync("alive");

        await agent.ConvergeAsync(await site.CommitAsync(First), First);

        Assert.Equal(("HEALTHY", First), ((await site.ReadConditionAsync()).Status, await site.ReadCurrentVersionAsync()));
    }

    [Fact]
    public async Task Uploaded_version_becomes_the_current_version()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        var wait = agent.AskAsync(0, "ACTIVATE", wait: 60);
        var upload = await UploadSite.CreateAsync(server, site.DeploymentId);
        var version = await upload.UploadAsync(UploadSite.Tar("one"));

        await upload.FinalizeAsync(version);

        var state = await wait.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        var mount = Assert.Single(state!.Mounts);
        Assert.Equal((upload.DeployId, "dags", version), (state.DeployId, mount.Path, mount.Version));
        Assert.Equal(("DEPLOYING", version, null), Of(await site.ReadConditionAsync()));
        await agent.ConvergeAsync(state.Revision, version);
        Assert.Equal(("HEALTHY", version, version), Of(await site.ReadConditionAsync()));

        static (string, string?, string?) Of(DeploymentCondition condition) =>
            (condition.Status, condition.DesiredDagVersion, condition.CurrentDagVersion);
    }

    [Fact]
    public async Task List_of_Deployments_has_the_condition_of_each()
    {
        var server = fixture.Server;
        var sites = await Task.WhenAll(AgentSite.CreateAsync(server), AgentSite.CreateAsync(server), AgentSite.CreateAsync(server));
        await (await sites[0].EnrollAsync()).ConvergeAsync(await sites[0].CommitAsync(First), First);
        await sites[1].EnrollAsync();
        await sites[1].CommitAsync(Second);

        var list = await server.Client.GetOkAsync($"{server.OrganizationPath}/deployments?limit=1000");

        var conditions = list["deployments"]!.AsArray().ToDictionary(row => (string?)row!["id"] ?? "",
            row => ((string?)row!["status"], (string?)row["desiredDagTarballVersion"]), StringComparer.Ordinal);
        Assert.Equal([("HEALTHY", First), ("DEPLOYING", Second), ("HEALTHY", null)], sites.Select(site => conditions[site.DeploymentId]));
    }

    [Fact]
    public async Task Late_report_changes_nothing()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        var first = await site.CommitAsync(First);
        await agent.ConvergeAsync(first, First);
        var second = await site.CommitAsync(Second);
        await agent.ConvergeAsync(second, Second);

        var older = await agent.ReportAsync(AgentPhase.Failed, first, activeRevision: 0, message: "late");
        var prepared = await agent.ReportAsync(AgentPhase.Prepared, second, activeRevision: first, version: First);

        Assert.Equal((second, StatePhase.Activate), (older.Revision, older.Phase));
        Assert.Equal(StatePhase.Activate, prepared.Phase);
        Assert.Equal(("HEALTHY", Second), ((await site.ReadConditionAsync()).Status, await site.ReadCurrentVersionAsync()));
    }

    [Fact]
    public async Task Repeated_report_gets_the_same_response()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        var revision = await site.CommitAsync(First);

        var responses = new[]
        {
            await agent.ReportAsync(AgentPhase.Prepared, revision, 0),
            await agent.ReportAsync(AgentPhase.Prepared, revision, 0),
        };

        Assert.All(responses, response => Assert.Equal((revision, StatePhase.Activate), (response.Revision, response.Phase)));
    }

    [Fact]
    public async Task Long_message_is_cut_and_has_no_control_characters()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        var message = "\u0001" + new string('x', 1998) + "\U0001F600 and more";

        await agent.ReportAsync(AgentPhase.Failed, await site.CommitAsync(First), 0, message: message);

        Assert.EndsWith("host-1: ?" + new string('x', 1998), (await site.ReadConditionAsync()).StatusReason);
    }

    [Fact]
    public async Task Report_of_an_unknown_revision_is_rejected_with_409()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        await site.CommitAsync(First);

        var report = JsonSerializer.Serialize(agent.Report(AgentPhase.Active, 5, 5), AgentJson.Default.AgentReport);

        Assert.Contains("newest revision of the server is 1",
            await site.Client.PostErrorAsync(AgentRoutes.Report, report, HttpStatusCode.Conflict));
        Assert.Equal("DEPLOYING", (await site.ReadConditionAsync()).Status);
    }

    [Theory]
    [InlineData("""{"revision":-1}""")]
    [InlineData("""{"activeRevision":-1}""")]
    [InlineData("""{"phase":"DONE"}""")]
    [InlineData("""{"fetchedBytes":-1}""")]
    [InlineData("""{"image":{"repository":"r","tag":null}}""")]
    [InlineData("""{"image":{"repository":"r\u0001","tag":"t"}}""")]
    [InlineData("""{"steps":[null]}""")]
    [InlineData("""{"steps":[{"name":"","status":"RUNNING","startedAt":"2026-01-01T00:00:00Z","log":[]}]}""")]
    [InlineData("""{"steps":[{"name":"a","status":"DONE","startedAt":"2026-01-01T00:00:00Z","log":[]}]}""")]
    [InlineData("""{"steps":[{"name":"a","status":"RUNNING","startedAt":"2026-01-01T00:00:00Z","log":[null]}]}""")]
    [InlineData("""
        {"steps":[{"name":"a","status":"RUNNING","startedAt":"2026-01-01T00:00:00Z","log":[]},
        {"name":"a","status":"RUNNING","startedAt":"2026-01-01T00:00:00Z","log":[]}]}
        """)]
    [InlineData("""{"mounts":null}""")]
    [InlineData("""{"mounts":[null]}""")]
    [InlineData("""{"mounts":[{"path":"../dags","version":"v","manifest":"00"}]}""")]
    [InlineData("""{"mounts":[{"path":"dags","version":"v","manifest":"00"}]}""")]
    public async Task Invalid_report_is_rejected_with_400(string change)
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        var report = JsonSerializer.SerializeToNode(agent.Report(AgentPhase.Active, 0, 0), AgentJson.Default.AgentReport)!.AsObject();
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject())
            report[name] = value?.DeepClone();

        await site.Client.PostErrorAsync(AgentRoutes.Report, report.ToJsonString(), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Report_with_more_than_1000_mounts_is_rejected_with_400()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        var mounts = Enumerable.Range(0, 1001).Select(i => new MountReport($"dbt/m{i}", First, AgentSite.ManifestOf(First))).ToList();
        Task<string> SendAsync(int count, HttpStatusCode status) => site.Client.PostErrorAsync(AgentRoutes.Report, JsonSerializer.Serialize(
            agent.Report(AgentPhase.Active, 0, 0) with { Mounts = mounts[..count] }, AgentJson.Default.AgentReport), status);

        Assert.Contains("at most 1000", await SendAsync(1001, HttpStatusCode.BadRequest));
        await Assert.ThrowsAsync<InvalidOperationException>(() => SendAsync(1000, HttpStatusCode.OK));
    }
}
