using System.Net;
using Microsoft.Extensions.Time.Testing;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Rollouts;

public sealed class StateTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private const string First = "2026-01-01T00:00:00.0000001Z", Second = "2026-01-01T00:00:00.0000002Z";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task State_before_the_first_deploy_is_empty_and_active()
    {
        var server = fixture.Server;
        var agent = await (await AgentSite.CreateAsync(server)).EnrollAsync();

        var state = await agent.AskAsync(revision: 7, phase: "ACTIVATE");

        Assert.NotNull(state);
        Assert.Equal((0, StatePhase.Activate), (state.Revision, state.Phase));
        Assert.Empty(state.Mounts);
        Assert.Null(state.DeployId);
        Assert.Null(state.Image);
    }

    [Fact]
    public async Task Reconciled_agent_receives_no_state()
    {
        var server = fixture.Server;
        var agent = await (await AgentSite.CreateAsync(server)).EnrollAsync();
        Assert.Null(await agent.AskAsync(revision: 0, phase: "ACTIVATE"));
    }

    [Fact]
    public async Task State_has_the_revision_and_a_signature_of_the_enrolled_key()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        await site.CommitAsync(First);

        var state = await agent.AskAsync(0, "ACTIVATE");

        Assert.NotNull(state);
        Assert.Equal((server.OrganizationId, site.DeploymentId), (state.OrganizationId, state.DeploymentId));
        Assert.Equal((1, 1, StatePhase.Prepare), (state.Epoch, state.Revision, state.Phase));
        Assert.Equal(new ImageReference("localhost:5555/org/orders", "deploy-1"), state.Image);
        var mount = Assert.Single(state.Mounts);
        Assert.Equal(("dags", First, AgentSite.ManifestOf(First)), (mount.Path, mount.Version, mount.Manifest));
        Assert.Equal(("dags", 3, 42), (mount.Subfolder, mount.Files, mount.Bytes));
        Assert.Equal(TimeSpan.FromHours(24), state.ExpiresAt - state.IssuedAt);
    }

    [Fact]
    public async Task Response_to_a_prepared_report_is_activate()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        var revision = await site.CommitAsync(First);
        Assert.Equal(StatePhase.Prepare, (await agent.AskAsync(0, "ACTIVATE"))!.Phase);

        var response = await agent.ReportAsync(AgentPhase.Prepared, revision, activeRevision: 0);

        Assert.Equal((revision, StatePhase.Activate), (response.Revision, response.Phase));
        Assert.Null(await agent.AskAsync(revision, "ACTIVATE"));
    }

    [Fact]
    public async Task Failed_agent_receives_no_state_until_the_next_revision()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        var revision = await site.CommitAsync(First);
        await agent.ReportAsync(AgentPhase.Failed, revision, activeRevision: 0, message: "no space");
        Assert.Null(await agent.AskAsync(revision, "PREPARE"));

        await site.CommitAsync(Second);

        var next = await agent.AskAsync(revision, "PREPARE");
        Assert.Equal((revision + 1, StatePhase.Prepare), (next!.Revision, next.Phase));
    }

    [Fact]
    public async Task New_revision_ends_the_long_poll()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agents = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => site.EnrollAsync($"host-{i}")));
        var waits = agents.Select(agent => agent.AskAsync(0, "ACTIVATE", wait: 60)).ToList();
        await WaitUntilWaitingAsync(server, agents.Length);

        var revision = await site.CommitAsync(First);

        var states = await Task.WhenAll(waits).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        Assert.All(states, state => Assert.Equal(revision, state!.Revision));
    }

    [Fact]
    public async Task Revision_of_another_Deployment_does_not_end_the_long_poll()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var server = await UpdraftServer.StartAsync(clock);
        var site = await AgentSite.CreateAsync(server);
        var other = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        var wait = agent.AskAsync(0, "ACTIVATE", wait: 20);
        await WaitUntilWaitingAsync(server, 1);

        await other.CommitAsync(First);
        clock.Advance(TimeSpan.FromSeconds(20));

        Assert.Null(await wait.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));
    }

    [Fact]
    public async Task Long_poll_is_limited_by_the_server()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var server = await UpdraftServer.StartAsync(clock);
        var agent = await (await AgentSite.CreateAsync(server)).EnrollAsync();
        var wait = agent.AskAsync(0, "ACTIVATE", wait: 600);
        await WaitUntilWaitingAsync(server, 1);

        clock.Advance(TimeSpan.FromSeconds(60));

        Assert.Null(await wait.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));
    }

    [Fact]
    public async Task Stopping_server_ends_every_long_poll()
    {
        await using var server = await UpdraftServer.StartAsync();
        var agent = await (await AgentSite.CreateAsync(server)).EnrollAsync();
        var wait = agent.AskAsync(0, "ACTIVATE", wait: 60);
        await WaitUntilWaitingAsync(server, 1);

        await server.StopAsync();

        Assert.Null(await wait);
    }

    [Fact]
    public async Task Restarted_server_returns_the_same_state()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        var revision = await site.CommitAsync(First);
        await agent.ConvergeAsync(revision, First);

        await server.RestartAsync();

        Assert.Null(await agent.AskAsync(revision, "ACTIVATE"));
        Assert.Equal(First, (await agent.AskAsync(0, "ACTIVATE"))!.Mounts[0].Version);
    }

    [Theory]
    [InlineData("phase=ACTIVE")]
    [InlineData("revision=-1")]
    [InlineData("revision=1e3")]
    [InlineData("wait=9223372036854775808")]
    [InlineData("epoch=one")]
    public async Task Invalid_state_request_is_rejected_with_400(string part)
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        using var response = await site.Client.GetAsync($"{AgentRoutes.State}?agentId={agent.Enrolment.AgentId}&{part}", Cancellation);
        await response.ReadAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Agent_of_another_Deployment_is_rejected_with_404()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var other = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();

        using var state = await other.Client.GetAsync(agent.StatePath(9, "ACTIVATE", 0), Cancellation);
        await state.ReadAsync(HttpStatusCode.NotFound);
        var report = System.Text.Json.JsonSerializer.Serialize(agent.Report(AgentPhase.Active, 0, 0), AgentJson.Default.AgentReport);
        await other.Client.PostErrorAsync(AgentRoutes.Report, report, HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData(AgentRoutes.State)]
    [InlineData(AgentRoutes.Report)]
    [InlineData(AgentRoutes.Enroll)]
    public async Task Agent_routes_reject_other_callers_with_401_or_403(string path)
    {
        var server = fixture.Server;
        async Task<HttpStatusCode> SendAsync(HttpClient client)
        {
            using var response = path == AgentRoutes.State
                ? await client.GetAsync(path, Cancellation)
                : await client.PostAsync(path, JsonRequests.Json("{}"), Cancellation);
            return response.StatusCode;
        }

        Assert.Equal(HttpStatusCode.Unauthorized, await SendAsync(server.Anonymous));
        Assert.Equal(HttpStatusCode.Forbidden, await SendAsync(server.Client));
    }

    /// <summary>The server registers a waiting agent just before the wait; tests have no other way to detect it.</summary>
    private static async Task WaitUntilWaitingAsync(UpdraftServer server, int agents)
    {
        var waiting = (Updraft.Server.Agents.WaitingAgents)server.Services.GetService(typeof(Updraft.Server.Agents.WaitingAgents))!;
        await Poll.UntilAsync(() => Task.FromResult(waiting.Now.Count >= agents));
    }
}
