using System.Net;
using System.Text.Json.Nodes;
using Npgsql;
using Updraft.Server.Tests.Replicas;

namespace Updraft.Server.Tests.Database;

/// <summary>A change whose connection to PostgreSQL broke may have been committed, so the server never repeats it by itself.</summary>
public sealed class RepeatedChangeTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Create_with_a_broken_connection_is_not_repeated_and_returns_503()
    {
        await using var database = await cluster.CreateDatabaseAsync();
        await using var relay = new CutRelay(new NpgsqlConnectionStringBuilder(database.ConnectionString).Host!);
        await using var server = await UpdraftServer.StartAsync(settings: Through(relay, database));
        var deploys = $"{server.OrganizationPath}/deployments/{await server.CreateDeploymentAsync()}/deploys";
        await server.Client.PostOkAsync(deploys, new JsonObject { ["type"] = "DAG_ONLY" });
        var (unavailable, committed) = (0, 0);
        // Breaks one connection after each message of PostgreSQL that a create waits for. Background work also sends messages.
        for (var round = 0; round < 3 && committed == 0; round++)
        {
            for (long messages = 0, cuts = -1; relay.Cuts > cuts; messages++)
            {
                var before = await CountAsync(server, deploys);
                cuts = relay.Cuts;
                relay.CutAfter(messages);
                using var response = await server.Client.PostAsync(deploys, JsonRequests.Json("""{"type":"DAG_ONLY"}"""), Cancelled);
                relay.CutAfter(long.MaxValue);
                var made = await CountAsync(server, deploys) - before;
                Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable,
                    $"After {messages} messages: {(int)response.StatusCode}");
                Assert.True(made is 0 or 1, $"After {messages} messages one request made {made} deploys.");
                if (response.StatusCode == HttpStatusCode.OK)
                {
                    Assert.Equal(1, made);
                    continue;
                }
                unavailable++;
                committed += made;
            }
        }

        Assert.True(unavailable > 5, $"Only {unavailable} creates got a 503.");
        Assert.True(committed > 0, "No connection broke between a commit and its response.");
    }

    private static Dictionary<string, string> Through(CutRelay relay, TestDatabase database) => new(StringComparer.Ordinal)
    {
        ["Database:ConnectionString"] = new NpgsqlConnectionStringBuilder(database.ConnectionString)
        {
            Host = "127.0.0.1",
            Port = relay.Port,
            // The relay counts messages, and cannot parse an encrypted connection.
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        }.ConnectionString,
    };

    private static async Task<int> CountAsync(UpdraftServer server, string deploys) =>
        (int)(await server.Client.GetOkAsync($"{deploys}?limit=0"))["totalCount"]!;
}
