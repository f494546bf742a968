using System.Net;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.SignIn;
using Updraft.Server.Tests.Rollouts;

namespace Updraft.Server.Tests.Replicas;

/// <summary>Fault catalog rows S6 and X7: a change at one replica takes effect at the other replicas.</summary>
[Trait("Runs", "ci")] // Restarts and crashes its own database cluster.
public sealed class NotificationTests(OwnPostgresCluster cluster) : IClassFixture<OwnPostgresCluster>
{
    private const string Callback = "http://127.0.0.1:12345/callback";

    // Much shorter than the long poll of an agent, and much longer than the delay of a notification.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Finalize_at_one_replica_wakes_an_agent_that_waits_at_another()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var site = await AgentSite.CreateAsync(servers.First);
        var wait = (await AgentAtAsync(servers.Second, site)).AskAsync(0, "ACTIVATE", wait: 60);
        await WaitingAsync(servers.Second);
        await DeployAsync(servers.First, site.DeploymentId);
        Assert.Equal(1, (await wait.WaitAsync(Deadline, Cancelled))!.Revision);
    }

    [Fact]
    [Trait("catalog", "X10")]
    public async Task Agents_that_wait_during_a_database_restart_receive_the_next_finalize()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var site = await AgentSite.CreateAsync(servers.First);
        var wait = (await AgentAtAsync(servers.Second, site)).AskAsync(0, "ACTIVATE", wait: 60);
        await WaitingAsync(servers.Second);
        await cluster.RestartAsync();
        await DeployAsync(servers.First, site.DeploymentId);
        Assert.Equal(1, (await wait.WaitAsync(Deadline, Cancelled))!.Revision);
    }

    [Fact]
    public async Task Request_during_a_database_outage_is_a_503_and_succeeds_afterwards()
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
            Assert.Contains("lost the connection to its database", body, StringComparison.Ordinal);
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
    [Trait("catalog", "S6")]
    public async Task Token_revoked_at_one_replica_is_rejected_at_another_401()
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
            using var rejected = await elsewhere.GetAsync($"{second.OrganizationPath}/workspaces", Cancelled);
            Assert.Equal(HttpStatusCode.Unauthorized, rejected.StatusCode);
        }
    }

    [Fact]
    [Trait("catalog", "S6")]
    public async Task Waiting_agent_whose_token_is_revoked_elsewhere_is_rejected_401()
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
        using var response = await wait.WaitAsync(Deadline, Cancelled);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Authorization_code_of_one_replica_is_accepted_once_at_another()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var (user, _, _) = await servers.First.AddUserAsync("browser@example.org");
        const string Verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        await using var scope = servers.First.Services.CreateAsyncScope();
        var code = await scope.ServiceProvider.GetRequiredService<AuthorizationCodes>().IssueAsync(new UserId(user),
            new AuthorizationRequest(Callback, Challenge, null), Cancelled);
        var responses = await Task.WhenAll(Enumerable.Range(0, 6).Select(async i =>
        {
            using var response = await PostFormAsync(i % 2 == 0 ? servers.Second : servers.First,
                ("grant_type", "authorization_code"), ("code", code), ("code_verifier", Verifier), ("redirect_uri", Callback));
            return response.StatusCode;
        }));
        Assert.Single(responses, status => status == HttpStatusCode.OK);
        Assert.Equal(5, responses.Count(status => status == HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task Refresh_token_at_two_replicas_returns_one_successor()
    {
        await using var servers = await cluster.StartServersAsync(2);
        for (var i = 0; i < 5; i++)
        {
            var (_, access, refresh) = await servers.First.AddUserAsync($"refresh{i}@example.org");
            var successors = await Task.WhenAll(RefreshAsync(servers.First, refresh), RefreshAsync(servers.Second, refresh));
            var successor = Assert.Single(successors.Distinct())!;
            Assert.NotNull(await RefreshAsync(servers.First, successor));
            Assert.Null(await RefreshAsync(servers.Second, refresh));
            foreach (var server in (UpdraftServer[])[servers.First, servers.Second])
            {
                using var rejected = await server.ClientWith(access).GetAsync("/v1/users/self", Cancelled);
                Assert.Equal(HttpStatusCode.Unauthorized, rejected.StatusCode);
            }
        }
    }

    /// <summary>The next refresh token, or null if the server rejects the given one.</summary>
    private static async Task<string?> RefreshAsync(UpdraftServer server, string token)
    {
        using var response = await PostFormAsync(server, ("grant_type", "refresh_token"), ("refresh_token", token));
        if (response.StatusCode == HttpStatusCode.BadRequest)
            return null;
        return (await response.ReadAsync(HttpStatusCode.OK)).Text("refresh_token");
    }

    private static async Task<TestAgent> AgentAtAsync(UpdraftServer server, AgentSite site) =>
        new(server.ClientWith(site.Client.DefaultRequestHeaders.Authorization!.Parameter!), (await site.EnrollAsync()).Enrolment);

    private static Task WaitingAsync(UpdraftServer server) => Poll.UntilAsync(() =>
        Task.FromResult(server.Services.GetRequiredService<Updraft.Server.Agents.WaitingAgents>().Now.Count > 0));

    /// <summary>Makes a deploy without an upload. Like a client, it repeats requests while the database is unavailable.</summary>
    private static async Task DeployAsync(UpdraftServer server, string deployment)
    {
        var deploys = $"{server.OrganizationPath}/deployments/{deployment}/deploys";
        string? id = null;
        await Poll.UntilAsync(async () =>
        {
            using var response = id is null
                ? await server.Client.PostAsync(deploys, JsonRequests.Json(
                    """{"type":"BUNDLE","bundleType":"dbt","bundleMountPath":"/usr/local/airflow/dbt/shop"}"""), Cancelled)
                : await server.Client.PostAsync(
                    $"{deploys}/{id}/finalize", JsonRequests.Json("""{"bundleTarballVersion":""}"""), Cancelled);
            if (response.StatusCode == HttpStatusCode.ServiceUnavailable)
                return false;
            var isDone = id is not null;
            id = (await response.ReadAsync(HttpStatusCode.OK)).Text("id");
            return isDone;
        });
    }

    private static async Task<HttpResponseMessage> PostFormAsync(UpdraftServer server, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(
            [new("client_id", "updraft-cli"), .. fields.Select(field => KeyValuePair.Create(field.Name, field.Value))]);
        return await server.Anonymous.PostAsync("/oauth/token", form, Cancelled);
    }
}
