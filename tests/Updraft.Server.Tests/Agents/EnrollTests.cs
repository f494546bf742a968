using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using Updraft.Protocol;
using Updraft.Server.Tests.Rollouts;

namespace Updraft.Server.Tests.Agents;

public sealed class EnrollTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private const string Version = "2026-01-01T00:00:00.0000001Z";

    [Fact]
    public async Task Same_instance_id_returns_the_same_agent()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var instance = EntityId.New(TimeProvider.System);

        var first = await site.EnrollAsync("host-1", instance);
        var again = await site.EnrollAsync("host-2", instance);
        var other = await site.EnrollAsync("host-1");

        Assert.Equal(first.Enrolment.AgentId, again.Enrolment.AgentId);
        Assert.NotEqual(first.Enrolment.AgentId, other.Enrolment.AgentId, StringComparer.Ordinal);
    }

    [Fact]
    public async Task Agents_beyond_the_limit_of_a_Deployment_are_rejected_with_409()
    {
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string> { ["Agents:MaxPerDeployment"] = "2" });
        var site = await AgentSite.CreateAsync(server);
        var instance = EntityId.New(TimeProvider.System);
        await site.EnrollAsync("host-1", instance);
        await site.EnrollAsync("host-2");
        using var rejected = await site.Client.PostAsync("/agent/v1/enrol", JsonRequests.Json(
            $$"""{"instanceId":"{{EntityId.New(TimeProvider.System)}}","host":"host-3","component":"scheduler","agentVersion":"1"}"""),
            TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.Conflict, "too_many_agents"), (rejected.StatusCode, rejected.Headers.GetValues("x-error-code").Single()));
        await site.EnrollAsync("host-1", instance);
        await (await AgentSite.CreateAsync(server)).EnrollAsync("host-4");
    }

    [Fact]
    public async Task Same_instance_id_in_another_Deployment_is_another_agent()
    {
        var server = fixture.Server;
        var instance = EntityId.New(TimeProvider.System);
        var here = await (await AgentSite.CreateAsync(server)).EnrollAsync("host-1", instance);
        var there = await (await AgentSite.CreateAsync(server)).EnrollAsync("host-1", instance);
        Assert.NotEqual(here.Enrolment.AgentId, there.Enrolment.AgentId, StringComparer.Ordinal);
    }

    [Fact]
    public async Task Enrollment_returns_the_Deployment_and_a_stable_signing_key()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await AgentSite.CreateAsync(server);
        var before = await site.EnrollAsync();
        await server.RestartAsync();
        var after = await site.EnrollAsync();

        Assert.Equal((server.OrganizationId, site.DeploymentId), (before.Enrolment.OrganizationId, before.Enrolment.DeploymentId));
        Assert.Equal(before.Enrolment.SigningKey, after.Enrolment.SigningKey);
    }

    [Fact]
    public async Task Second_enrollment_keeps_the_last_report()
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var instance = EntityId.New(TimeProvider.System);
        var agent = await site.EnrollAsync("host-1", instance);
        await agent.ConvergeAsync(await site.CommitAsync(Version), Version);

        await site.EnrollAsync("host-1", instance);

        Assert.Equal("HEALTHY", (await site.ReadConditionAsync()).Status);
    }

    [Theory]
    [InlineData("instanceId", "short")]
    [InlineData("instanceId", "Cvetru2w000201mowqwua63nx")]
    [InlineData("host", "")]
    [InlineData("host", "a\nb")]
    [InlineData("component", " ")]
    [InlineData("agentVersion", "101 characters: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    public async Task Invalid_field_is_rejected_by_name_with_400(string field, string value)
    {
        var server = fixture.Server;
        var site = await AgentSite.CreateAsync(server);
        var body = new JsonObject
        {
            ["instanceId"] = "clvetru2w000201mowqwua63n",
            ["host"] = "h",
            ["component"] = "c",
            ["agentVersion"] = "v",
            [field] = value,
        };
        Assert.Contains($"'{field}'", await site.Client.PostErrorAsync(AgentRoutes.Enroll, body.ToJsonString(), HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task Waiting_agent_stays_live()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var server = await UpdraftServer.StartAsync(clock,
            new Dictionary<string, string>(StringComparer.Ordinal) { ["Agents:MaxWait"] = "00:10:00" });
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        var revision = await site.CommitAsync(Version);
        await agent.ConvergeAsync(revision, Version);
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var wait = site.Client.GetAsync(agent.StatePath(revision, "ACTIVATE", wait: 600), leave.Token);

        for (var minute = 0; minute < 3; minute++)
        {
            clock.Advance(TimeSpan.FromMinutes(1.5));
            await Poll.UntilAsync(async () => (await site.ReadConditionAsync()).Status == "HEALTHY");
        }

        Assert.False(wait.IsCompleted);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
    }

    [Fact]
    public async Task Stale_agent_is_live_again_after_its_next_request()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var server = await UpdraftServer.StartAsync(clock);
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        var revision = await site.CommitAsync(Version);
        await agent.ConvergeAsync(revision, Version);
        clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal("UNHEALTHY", (await site.ReadConditionAsync()).Status);

        await agent.AskAsync(revision, "ACTIVATE");

        Assert.Equal("HEALTHY", (await site.ReadConditionAsync()).Status);
    }

    [Fact]
    public async Task Enrollment_deletes_agents_without_heartbeats_for_a_week()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var server = await UpdraftServer.StartAsync(clock);
        var site = await AgentSite.CreateAsync(server);
        var gone = await site.EnrollAsync("gone");
        clock.Advance(TimeSpan.FromDays(8));
        await site.EnrollAsync("new");

        using var response = await site.Client.GetAsync(gone.StatePath(0, "ACTIVATE", 0), TestContext.Current.CancellationToken);

        await response.ReadAsync(HttpStatusCode.NotFound);
    }
}
