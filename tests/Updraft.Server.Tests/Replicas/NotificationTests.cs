using System.Net;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.SignIn;
using Updraft.Server.Tests.Rollouts;

namespace Updraft.Server.Tests.Replicas;

/// <summary>What is done at one server counts at another: rows S6 and X7.</summary>
[Trait("Runs", "ci")] // Restarts and crashes a database cluster of its own.
public sealed class NotificationTests(OwnPostgresCluster cluster) : IClassFixture<OwnPostgresCluster>
{
    private const string Callback = "http://127.0.0.1:12345/callback";

    // Much shorter than the wait that an agent asks for, much longer than news takes.
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_finalize_at_one_server_wakes_an_agent_that_waits_at_another()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var site = await AgentSite.CreateAsync(servers.First);
        var wait = (await AgentAtAsync(servers.Second, site)).AskAsync(0, "ACTIVATE", wait: 60);
        await WaitingAsync(servers.Second);
        await DeployAsync(servers.First, site.DeploymentId);
        Assert.Equal(1, (await wait.WaitAsync(Enough, Cancelled))!.Revision);
    }

    [Fact]
    public async Task X10_Agents_that_wait_while_PostgreSQL_restarts_hear_of_the_next_finalize()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var site = await AgentSite.CreateAsync(servers.First);
        var wait = (await AgentAtAsync(servers.Second, site)).AskAsync(0, "ACTIVATE", wait: 60);
        await WaitingAsync(servers.Second);
        await cluster.RestartAsync();
        await DeployAsync(servers.First, site.DeploymentId);
        Assert.Equal(1, (await wait.WaitAsync(Enough, Cancelled))!.Revision);
    }

    [Fact]
    public async Task While_PostgreSQL_is_away_the_answer_is_503_and_afterwards_all_goes_on()
    {
        await using var servers = await cluster.StartServersAsync(1);
        var server = servers.First;
        await cluster.CrashAsync();
        try
        {
            using var read = await server.Client.GetAsync($"{server.OrganizationPath}/deployments", Cancelled);
            using var ready = await server.Anonymous.GetAsync("/healthz/ready", Cancelled);
            using var live = await server.Anonymous.GetAsync("/healthz/live", Cancelled);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK),
                (read.StatusCode, ready.StatusCode, live.StatusCode));
            var body = await read.Content.ReadAsStringAsync(Cancelled);
            Assert.Contains("database cannot be", body, StringComparison.Ordinal);
            Assert.DoesNotContain("Npgsql", body, StringComparison.Ordinal);
        }
        finally
        {
            await cluster.StartAgainAsync();
        }
        await Poll.UntilAsync(async () => (await server.Anonymous.GetAsync("/healthz/ready", Cancelled)).IsSuccessStatusCode);
        await server.CreateDeploymentAsync();
    }

    [Fact]
    public async Task S6_A_token_that_ends_at_one_server_opens_no_further_request_at_another()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var (first, second) = (servers.First, servers.Second);
        for (var i = 0; i < 5; i++)
        {
            var created = await first.Client.PostOkAsync($"{first.OrganizationPath}/tokens",
                JsonNode.Parse($$"""{"name":"t{{i}}","scope":"ORGANIZATION","role":"ORGANIZATION_OWNER"}""")!);
            var elsewhere = second.ClientWith(created.Text("token"));
            await elsewhere.GetOkAsync($"{second.OrganizationPath}/workspaces");
            await first.Client.PostOkAsync($"{first.OrganizationPath}/tokens/{created.Text("id")}/roles", JsonNode.Parse(
                $$"""{"roles":[{"entityType":"ORGANIZATION","entityId":"{{first.OrganizationId}}","role":"ORGANIZATION_MEMBER"}]}""")!);
            using var weaker = await elsewhere.GetAsync($"{second.OrganizationPath}/tokens", Cancelled);
            Assert.Equal(HttpStatusCode.Forbidden, weaker.StatusCode);
            (await first.Client.DeleteAsync($"{first.OrganizationPath}/tokens/{created.Text("id")}", Cancelled)).EnsureSuccessStatusCode();
            using var refused = await elsewhere.GetAsync($"{second.OrganizationPath}/workspaces", Cancelled);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }
    }

    [Fact]
    public async Task S6_An_agent_whose_token_ended_elsewhere_while_it_waited_is_told_nothing()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var (first, second) = (servers.First, servers.Second);
        var site = await AgentSite.CreateAsync(first);
        var agent = await site.EnrollAsync();
        using var client = second.ClientWith(site.Client.DefaultRequestHeaders.Authorization!.Parameter!);
        var wait = client.GetAsync(agent.StatePath(0, "ACTIVATE", 60), Cancelled);
        await WaitingAsync(second);
        var tokens = $"{first.OrganizationPath}/deployments/{site.DeploymentId}/agent-tokens";
        var id = (await first.Client.GetOkAsync(tokens))["tokens"]!.AsArray().Single()!.AsObject().Text("id");
        (await first.Client.DeleteAsync($"{tokens}/{id}", Cancelled)).EnsureSuccessStatusCode();
        await DeployAsync(first, site.DeploymentId);
        using var answer = await wait.WaitAsync(Enough, Cancelled);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task A_code_of_one_server_is_taken_at_another_once()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var (user, _, _) = await servers.First.AddUserAsync("browser@example.org");
        const string Verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        await using var scope = servers.First.Services.CreateAsyncScope();
        var code = await scope.ServiceProvider.GetRequiredService<AuthorizationCodes>().IssueAsync(new UserId(user),
            new AuthorizationRequest(Callback, Challenge, null), Cancelled);
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => PostFormAsync(i % 2 == 0 ? servers.Second : servers.First,
            ("grant_type", "authorization_code"), ("code", code), ("code_verifier", Verifier), ("redirect_uri", Callback))));
        Assert.Single(answers, status => status == HttpStatusCode.OK);
        Assert.Equal(5, answers.Count(status => status == HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task Of_two_servers_that_get_the_same_refresh_token_one_takes_it_and_the_login_ends()
    {
        await using var servers = await cluster.StartServersAsync(2);
        for (var i = 0; i < 5; i++)
        {
            var (_, access, refresh) = await servers.First.AddUserAsync($"refresh{i}@example.org");
            var answers = await Task.WhenAll(
                PostFormAsync(servers.First, ("grant_type", "refresh_token"), ("refresh_token", refresh)),
                PostFormAsync(servers.Second, ("grant_type", "refresh_token"), ("refresh_token", refresh)));
            Assert.Equal([HttpStatusCode.OK, HttpStatusCode.BadRequest], answers.Order());
            using var refused = await servers.Second.ClientWith(access).GetAsync("/v1/users/self", Cancelled);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }
    }

    private static async Task<TestAgent> AgentAtAsync(UpdraftServer server, AgentSite site) =>
        new(server.ClientWith(site.Client.DefaultRequestHeaders.Authorization!.Parameter!), (await site.EnrollAsync()).Enrolment);

    private static Task WaitingAsync(UpdraftServer server) => Poll.UntilAsync(() =>
        Task.FromResult(server.Services.GetRequiredService<Updraft.Server.Agents.WaitingAgents>().Now.Count > 0));

    /// <summary>A deploy without an upload; repeated as a client does while the database is away.</summary>
    private static async Task DeployAsync(UpdraftServer server, string deployment)
    {
        var deploys = $"{server.OrganizationPath}/deployments/{deployment}/deploys";
        string? id = null;
        await Poll.UntilAsync(async () =>
        {
            using var answer = id is null
                ? await server.Client.PostAsync(deploys, JsonRequests.Json(
                    """{"type":"BUNDLE","bundleType":"dbt","bundleMountPath":"/usr/local/airflow/dbt/shop"}"""), Cancelled)
                : await server.Client.PostAsync($"{deploys}/{id}/finalize", JsonRequests.Json("""{"bundleTarballVersion":""}"""), Cancelled);
            if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
                return false;
            var isDone = id is not null;
            id = (await answer.ReadAsync(HttpStatusCode.OK)).Text("id");
            return isDone;
        });
    }

    private static async Task<HttpStatusCode> PostFormAsync(UpdraftServer server, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent([new("client_id", "updraft-cli"), .. fields.Select(field => KeyValuePair.Create(field.Name, field.Value))]);
        using var answer = await server.Anonymous.PostAsync("/oauth/token", form, Cancelled);
        return answer.StatusCode;
    }
}
