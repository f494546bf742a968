using System.Net;
using Microsoft.Extensions.Time.Testing;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Rollouts;

[Trait("Database", "every")]
public sealed class StateTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private const string First = "2026-01-01T00:00:00.0000001Z", Second = "2026-01-01T00:00:00.0000002Z";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Before_the_first_deploy_the_state_is_empty_and_active()
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
    public async Task An_agent_that_has_done_everything_hears_nothing()
    {
        var server = fixture.Server;
        var agent = await (await AgentSite.CreateAsync(server)).EnrollAsync();
        Assert.Null(await agent.AskAsync(revision: 0, phase: "ACTIVATE"));
    }

    [Fact]
    public async Task The_document_names_the_revision_and_is_signed_with_the_enrolled_key()
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
    public async Task Who_prepares_is_told_to_activate_in_the_answer()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        var revision = await site.CommitAsync(First);
        Assert.Equal(StatePhase.Prepare, (await agent.AskAsync(0, "ACTIVATE"))!.Phase);

        var answer = await agent.ReportAsync(AgentPhase.Prepared, revision, activeRevision: 0);

        Assert.Equal((revision, StatePhase.Activate), (answer.Revision, answer.Phase));
        Assert.Null(await agent.AskAsync(revision, "ACTIVATE"));
    }

    [Fact]
    public async Task Who_failed_is_left_alone_until_the_next_revision()
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
    public async Task A_new_revision_ends_the_wait()
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
    public async Task A_revision_of_another_Deployment_does_not_end_the_wait()
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
    public async Task No_wait_is_longer_than_the_server_likes()
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
    public async Task A_server_that_stops_ends_every_wait()
    {
        await using var server = await UpdraftServer.StartAsync();
        var agent = await (await AgentSite.CreateAsync(server)).EnrollAsync();
        var wait = agent.AskAsync(0, "ACTIVATE", wait: 60);
        await WaitUntilWaitingAsync(server, 1);

        await server.StopAsync();

        Assert.Null(await wait);
    }

    [Fact]
    public async Task A_restarted_server_says_the_same()
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
    public async Task A_question_that_makes_no_sense_is_a_400(string part)
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        using var response = await site.Client.GetAsync($"{AgentRoutes.State}?agentId={agent.Enrolment.AgentId}&{part}", Cancellation);
        await response.ReadAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task An_agent_of_another_Deployment_is_unknown()
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
    public async Task Only_agents_are_served(string path)
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

    /// <summary>The server registers a waiting agent just before it waits; there is no other sign of it.</summary>
    private static async Task WaitUntilWaitingAsync(UpdraftServer server, int agents)
    {
        var waiting = (Updraft.Server.Agents.WaitingAgents)server.Services.GetService(typeof(Updraft.Server.Agents.WaitingAgents))!;
        await Poll.UntilAsync(() => Task.FromResult(waiting.Now.Count >= agents));
    }
}
