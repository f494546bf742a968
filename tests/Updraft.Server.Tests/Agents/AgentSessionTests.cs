using System.Net;
using System.Net.Http.Json;
using Updraft.Protocol;
using Updraft.Server.Tests.Rollouts;
using Updraft.Server.Tests.Web;

namespace Updraft.Server.Tests.Agents;

/// <summary>Two processes with one agent id, for example of cloned machines, are visible at the agent.</summary>
public sealed class AgentSessionTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private const string Warning = "Copied root";
    private static readonly string First = EntityId.New(TimeProvider.System), Second = EntityId.New(TimeProvider.System);

    [Fact]
    public async Task Reports_of_two_sessions_in_turns_show_a_warning()
    {
        var (site, agent) = await CreateAsync();
        foreach (var session in (string[])[First, Second, First, Second])
            await ReportAsync(agent, session);

        Assert.Contains(Warning, await ReadPageAsync(site), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Polls_of_two_sessions_in_turns_show_a_warning()
    {
        var (site, agent) = await CreateAsync();
        foreach (var session in (string[])[First, Second, First, Second])
        {
            using var response = await site.Client.GetAsync(agent.StatePath(0, "ACTIVATE", wait: 0) + "&session=" + session,
                TestContext.Current.CancellationToken);
            Assert.True(response.IsSuccessStatusCode);
        }

        Assert.Contains(Warning, await ReadPageAsync(site), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restarts_show_no_warning()
    {
        var (site, agent) = await CreateAsync();
        for (var i = 0; i < 6; i++)
        {
            var session = EntityId.New(TimeProvider.System);
            await ReportAsync(agent, session);
            await ReportAsync(agent, session);
        }

        Assert.DoesNotContain(Warning, await ReadPageAsync(site), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Late_request_of_a_stopped_process_shows_no_warning()
    {
        var (site, agent) = await CreateAsync();
        foreach (var session in (string[])[First, Second, First, EntityId.New(TimeProvider.System)])
            await ReportAsync(agent, session);

        Assert.DoesNotContain(Warning, await ReadPageAsync(site), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Earlier_agents_without_a_session_show_no_warning()
    {
        var (site, agent) = await CreateAsync();
        foreach (var session in (string?[])[null, First, null, First, null])
            await ReportAsync(agent, session);

        Assert.DoesNotContain(Warning, await ReadPageAsync(site), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("<script>")]
    public async Task Session_that_is_no_id_returns_400(string session)
    {
        var (site, agent) = await CreateAsync();
        using var poll = await site.Client.GetAsync(agent.StatePath(0, "ACTIVATE", wait: 0) + "&session=" + Uri.EscapeDataString(session),
            TestContext.Current.CancellationToken);
        using var report = await site.Client.PostAsJsonAsync(AgentRoutes.Report,
            agent.Report(AgentPhase.Active, 0, 0) with { SessionId = session }, AgentJson.Default.AgentReport,
            TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (poll.StatusCode, report.StatusCode));
    }

    private async Task<(AgentSite Site, TestAgent Agent)> CreateAsync()
    {
        var site = await AgentSite.CreateAsync(fixture.Server);
        return (site, await site.EnrollAsync());
    }

    private static Task<DesiredState> ReportAsync(TestAgent agent, string? session) =>
        agent.SendAsync(agent.Report(AgentPhase.Active, 0, 0) with { SessionId = session });

    private async Task<string> ReadPageAsync(AgentSite site)
    {
        using var visitor = await Visitor.SignedInAsync(fixture.Server);
        return await visitor.ReadAsync($"deployments/{site.DeploymentId}");
    }
}
