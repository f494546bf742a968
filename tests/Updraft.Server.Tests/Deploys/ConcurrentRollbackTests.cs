using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Deploys;
using Updraft.Server.Rollouts;
using Updraft.Server.Tests.Database;
using Updraft.Server.Tests.Events;

namespace Updraft.Server.Tests.Deploys;

/// <summary>Rollbacks of one Deployment at the same time, and one that fails.</summary>
public sealed class ConcurrentRollbackTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Concurrent_rollbacks_get_one_revision_and_number_each()
    {
        const int count = 16;
        await using var server = await UpdraftServer.StartAsync();
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var target = await deploys.DeployDagsAsync("one");
        await deploys.DeployDagsAsync("two");

        var rollbacks = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => deploys.RollBackAsync(target.Text("id"))));

        Assert.Equal(count, rollbacks.Select(deploy => deploy.Text("id")).Distinct(StringComparer.Ordinal).Count());
        await using var scope = server.Services.CreateAsyncScope();
        var (db, id) = (scope.ServiceProvider.GetRequiredService<UpdraftDbContext>(), new DeploymentId(deploys.DeploymentId));
        Assert.Equal(OneTo(count + 2), await db.Revisions.Where(row => row.DeploymentId == id).Select(row => row.Number).Order().ToListAsync(Cancelled));
        Assert.Equal(OneTo(count + 2), await db.Deploys.Where(row => row.DeploymentId == id).Select(row => row.Number).Order().ToListAsync(Cancelled));
        Assert.Equal(count + 2, await deploys.RevisionAsync());
    }

    [Fact]
    public async Task Rollback_excludes_other_writers_from_its_first_read()
    {
        using var hook = new DatabaseHook();
        await using var server = await UpdraftServer.StartAsync();
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var target = await deploys.DeployDagsAsync("one");
        var isFree = true;
        var reading = hook.AfterReadAsync(server, sql => sql.Contains("FROM deploys ", StringComparison.Ordinal),
            async () => isFree = await CanWriteAsync(server, deploys.DeploymentId));

        await deploys.RollBackAsync(target.Text("id"));

        await reading;
        Assert.False(isFree, "Another writer could have changed the Deployment between the read and the commit of the rollback.");
    }

    [Fact]
    public async Task Rollback_is_visible_to_the_next_request()
    {
        await using var server = await UpdraftServer.StartAsync();
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var target = await deploys.DeployDagsAsync("one");
        await deploys.DeployDagsAsync("two");
        Assert.Equal(2, await deploys.RevisionAsync());

        var back = await deploys.RollBackAsync(target.Text("id"));

        var state = await deploys.StateAsync();
        Assert.Equal((3, target.Text("dagTarballVersion")), (state.Revision, Assert.Single(state.Mounts).Version));
        Assert.Equal(back.Text("id"), (await deploys.ListAsync()).GetProperty("deploys")[0].Text("id"));
    }

    [Fact]
    public async Task Rollback_that_fails_half_way_leaves_nothing()
    {
        await using var server = await UpdraftServer.StartAsync();
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var target = await deploys.DeployDagsAsync("one");
        await deploys.DeployDagsAsync("two");
        var (history, state) = (await deploys.ListAsync(), await deploys.StateAsync());
        await using (await RejectedEvents.StartAsync(server))
        {
            var failed = await deploys.TryRollBackAsync(target.Text("id"));
            Assert.True((int)failed.Status >= 500, $"{failed.Status}: {failed.Body}");
        }

        Assert.True(JsonElement.DeepEquals(history, await deploys.ListAsync()));
        var after = await deploys.StateAsync();
        Assert.Equal(state.Revision, after.Revision);
        Assert.Equal(state.Mounts, after.Mounts);
        await deploys.RollBackAsync(target.Text("id"));
        Assert.Equal(state.Revision + 1, await deploys.RevisionAsync());
    }

    private static IEnumerable<long> OneTo(int count) => Enumerable.Range(1, count).Select(number => (long)number);

    /// <summary>Whether a writer could begin now: in SQLite any, in PostgreSQL one that locks the Deployment.</summary>
    private static async Task<bool> CanWriteAsync(UpdraftServer server, string deployment)
    {
        if (server.ConnectionString is { } postgres)
        {
            await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(postgres) { Pooling = false }.ConnectionString);
            await connection.OpenAsync(Cancelled);
            await using var command = new NpgsqlCommand("SELECT 1 FROM deployments WHERE id = $1 FOR UPDATE NOWAIT", connection);
            command.Parameters.Add(new() { Value = deployment });
            try
            {
                await command.ExecuteNonQueryAsync(Cancelled);
                return true;
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                return false;
            }
        }
        await using var file = new SqliteConnection($"Data Source={Path.Join(server.DataDirectory, "database", "updraft.db")};Pooling=False;Default Timeout=1");
        await file.OpenAsync(Cancelled);
        try
        {
            await using var transaction = file.BeginTransaction(deferred: false);
            return true;
        }
        catch (SqliteException exception) when (exception.SqliteErrorCode == SQLitePCL.raw.SQLITE_BUSY)
        {
            return false;
        }
    }
}
