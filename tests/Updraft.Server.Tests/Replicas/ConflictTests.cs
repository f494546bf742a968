using System.Data;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.Database;

namespace Updraft.Server.Tests.Replicas;

/// <summary>Fault catalog row X7: two replicas change one resource at the same time.</summary>
[Trait("Runs", "ci")] // Starts pairs of servers and repeats races.
public sealed class ConflictTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("catalog", "X7")]
    public async Task Finalizes_at_two_replicas_create_revisions_without_a_gap()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var deployment = await servers.First.CreateDeploymentAsync();
        var deploys = $"{servers.First.OrganizationPath}/deployments/{deployment}/deploys";
        var ids = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => CreateAsync(i % 2 == 0 ? servers.First : servers.Second, i)));
        // Each finalize goes to both replicas, as from a client that repeats a request without a response.
        await Task.WhenAll(ids.SelectMany(id => new[] { servers.First, servers.Second }.Select(server =>
            server.Client.PostOkAsync($"{deploys}/{id}/finalize", JsonNode.Parse("""{"bundleTarballVersion":""}""")!))));

        await using var scope = servers.First.Services.CreateAsyncScope();
        var revisions = await scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().Database
            .SqlQuery<long>($"""SELECT number AS "Value" FROM revisions WHERE deployment_id = {deployment} ORDER BY number""")
            .ToListAsync(Cancelled);
        Assert.Equal(Enumerable.Range(1, 16).Select(number => (long)number), revisions);

        async Task<string> CreateAsync(UpdraftServer server, int number) => (await server.Client.PostOkAsync(deploys, JsonNode.Parse(
            $$"""{"type":"BUNDLE","bundleType":"dbt","bundleMountPath":"/usr/local/airflow/dbt/shop{{number}}"}""")!)).Text("id");
    }

    [Fact]
    [Trait("catalog", "X7")]
    public async Task Name_requested_at_two_replicas_is_assigned_once()
    {
        await using var servers = await cluster.StartServersAsync(2);
        for (var i = 0; i < 5; i++)
        {
            await AssertOneAsync(servers, "workspaces", new JsonObject { ["name"] = $"team {i}" });
            var deployment = new JsonObject { ["name"] = $"orders {i}", ["workspaceId"] = servers.First.WorkspaceId };
            await AssertOneAsync(servers, "deployments", deployment);
        }
    }

    [Fact]
    [Trait("catalog", "S13")]
    public async Task Owners_who_remove_each_other_at_two_replicas_leave_one()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var (first, second) = (servers.First, servers.Second);
        var tokens = $"{first.OrganizationPath}/tokens";
        var owner = first.Client;
        for (var i = 0; i < 3; i++)
        {
            var made = await owner.PostOkAsync(
                tokens, JsonNode.Parse("""{"name":"second","scope":"ORGANIZATION","role":"ORGANIZATION_OWNER"}""")!);
            var other = second.ClientWith(made.Text("token"));
            var ownId = (await owner.GetOkAsync("/v1/users/self")).Text("id");
            await other.GetOkAsync("/v1/users/self");
            var responses = await MeetAsync(first,
                () => owner.DeleteAsync($"{tokens}/{made.Text("id")}", Cancelled), () => other.DeleteAsync($"{tokens}/{ownId}", Cancelled));
            Assert.Single(responses, response => response.IsSuccessStatusCode);
            // The remaining owner continues.
            owner = responses[0].IsSuccessStatusCode ? owner : first.ClientWith(made.Text("token"));
            await owner.GetOkAsync(tokens);
        }
    }

    [Fact]
    public async Task Request_that_PostgreSQL_aborts_for_a_conflict_runs_again()
    {
        var attempts = 0;
        var bothHaveRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var servers = await cluster.StartServersAsync(1, app => app.MapPost("/test/count", async (UpdraftDbContext db) =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.Serializable, Cancelled);
            var count = await db.ServerFacts.CountAsync(fact => fact.Name.StartsWith("count_"), Cancelled);
            if (Interlocked.Increment(ref attempts) >= 2)
                bothHaveRead.TrySetResult();
            await bothHaveRead.Task.WaitAsync(Cancelled);
            db.ServerFacts.Add(new() { Name = $"count_{EntityId.New(TimeProvider.System)}", Value = "" });
            await db.SaveChangesAsync(Cancelled);
            await transaction.CommitAsync(Cancelled);
            return count;
        }).AllowAnonymous());
        var server = servers.First;
        async Task<string> CountAsync() => await (await server.Anonymous.PostAsync("/test/count", null, Cancelled))
            .EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancelled);

        Assert.Equal(["0", "1"], (await Task.WhenAll(CountAsync(), CountAsync())).Order(StringComparer.Ordinal));
        Assert.Contains("Retrying the request after a transaction conflict", server.LogText, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("catalog", "X12")]
    public async Task Exhausted_connection_pool_is_a_503_and_the_process_lives()
    {
        var (isOver, held) = (new TaskCompletionSource(), 0);
        await using var servers = await cluster.StartServersAsync(1, app => app.MapPost("/test/hold", async (UpdraftDbContext db) =>
        {
            await db.Database.OpenConnectionAsync(Cancelled);
            Interlocked.Increment(ref held);
            await isOver.Task;
        }).AllowAnonymous(), maxConnections: 2);
        var server = servers.First;
        var holding = Enumerable.Range(0, 2).Select(_ => server.Anonymous.PostAsync("/test/hold", null, Cancelled)).ToList();
        await Poll.UntilAsync(() => Task.FromResult(Volatile.Read(ref held) == 2));
        using var rejected = await server.Client.GetAsync(server.OrganizationPath, Cancelled);
        using var live = await server.Anonymous.GetAsync("/healthz/live", Cancelled);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), (rejected.StatusCode, live.StatusCode));
        isOver.SetResult();
        await Task.WhenAll(holding);
        await server.Client.GetOkAsync(server.OrganizationPath);
    }

    [Theory]
    [InlineData("/deployments?names=a%00b")]
    [InlineData("/deployments?deploymentIds=%00")]
    [InlineData("/users?workspaceId=%00")]
    [InlineData("/tokens?deploymentId=%00")]
    [InlineData("/workspaces?names=%00")]
    [Trait("catalog", "I7")]
    public async Task Character_that_PostgreSQL_cannot_store_is_a_400(string query)
    {
        await using var servers = await cluster.StartServersAsync(1);
        using var rejected = await servers.First.Client.GetAsync(servers.First.OrganizationPath + query, Cancelled);
        Assert.Contains("U+0000", (await rejected.ReadAsync(HttpStatusCode.BadRequest)).Text("message"), StringComparison.Ordinal);
    }

    /// <summary>Sends requests that change tokens, and releases them when all of them wait for the same lock.</summary>
    private static async Task<HttpResponseMessage[]> MeetAsync(UpdraftServer server, params Func<Task<HttpResponseMessage>>[] requests)
    {
        await using var scope = server.Services.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().Database;
        await using var barrier = await database.BeginTransactionAsync(Cancelled);
        await database.ExecuteSqlRawAsync("SELECT 1 FROM api_tokens FOR UPDATE", Cancelled);
        var sent = requests.Select(request => request()).ToList();
        // Within a transaction, PostgreSQL repeats its first snapshot of the waiting sessions, so another connection reads them.
        await using var second = server.Services.CreateAsyncScope();
        var watch = second.ServiceProvider.GetRequiredService<UpdraftDbContext>().Database;
        await Poll.UntilAsync(async () => await watch.SqlQuery<long>(
            $"""SELECT count(*) AS "Value" FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'""")
            .SingleAsync(Cancelled) >= requests.Length);
        await barrier.CommitAsync(Cancelled);
        return await Task.WhenAll(sent);
    }

    private static async Task AssertOneAsync(ServerGroup servers, string what, JsonObject body)
    {
        var responses = await Task.WhenAll(new[] { servers.First, servers.Second }.SelectMany(server => Enumerable.Range(0, 3).Select(_ =>
            server.Client.PostAsync($"{server.OrganizationPath}/{what}", JsonRequests.Json(body.ToJsonString()), Cancelled))));
        Assert.Single(responses, response => response.StatusCode == HttpStatusCode.OK);
        Assert.Equal(5, responses.Count(response => response.StatusCode == HttpStatusCode.BadRequest));
    }
}
