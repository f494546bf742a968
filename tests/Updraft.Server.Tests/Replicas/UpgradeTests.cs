using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Migrations.Operations;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Database;
using Updraft.Server.Import;
using Updraft.Server.Tests.Rollouts;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Replicas;

/// <summary>Servers work on while a newer one brings the schema up: migrations expand, and what they add disturbs nobody.</summary>
public sealed class UpgradeTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_deploys_on_while_every_table_is_expanded_beneath_it()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var (old, site) = (servers.First, await AgentSite.CreateAsync(servers.First));
        var agent = await site.EnrollAsync();
        var deployed = 0;
        using var isOver = new CancellationTokenSource();
        var deploying = Task.Run(async () =>
        {
            while (!isOver.IsCancellationRequested)
            {
                var upload = await UploadSite.CreateAsync(old, site.DeploymentId);
                await upload.FinalizeAsync(await upload.UploadAsync(new TarBuilder().File("dags/a.py", upload.DeployId).ToArray()));
                Interlocked.Increment(ref deployed);
            }
        }, Cancelled);
        await Poll.UntilAsync(() => Task.FromResult(Volatile.Read(ref deployed) > 0));

        // What a later release's migrations may do.
        await using (var patient = DatabaseServices.OpenWithoutTimeout(new DatabaseOptions { ConnectionString = old.ConnectionString }))
        {
            await patient.Database.ExecuteSqlRawAsync("CREATE TABLE later_things (id text PRIMARY KEY)", Cancelled);
            foreach (var table in CopyTables.InOrder(patient).Select(table => table.Name))
            {
                var expand = $"ALTER TABLE {table} ADD COLUMN later_text text, ADD COLUMN later_number bigint NOT NULL DEFAULT 7; "
                    + $"CREATE INDEX ix_{table}_later ON {table} (later_number)";
                await patient.Database.ExecuteSqlRawAsync(expand, Cancelled);
            }
            await patient.Database.ExecuteSqlRawAsync("""INSERT INTO "__EFMigrationsHistory" VALUES ('29990101000000_Later', '10.0.15')""", Cancelled);
        }
        var before = Volatile.Read(ref deployed);
        await Poll.UntilAsync(() => Task.FromResult(Volatile.Read(ref deployed) > before + 2));
        await isOver.CancelAsync();
        await deploying;
        Assert.Equal(deployed, (await agent.AskAsync(0, "ACTIVATE"))!.Revision);
        await servers.Second.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_OWNER");
        await servers.Second.RestartAsync();
        await servers.Second.CreateDeploymentAsync("after");
    }

    [Fact]
    public async Task Migrations_only_expand_unless_they_name_themselves_as_the_oldest_schema()
    {
        await using var servers = await cluster.StartServersAsync(1);
        await using var scope = servers.First.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var migrations = db.GetService<IMigrationsAssembly>();
        var wrong = new List<string>();
        // The first one makes everything.
        foreach (var (id, type) in migrations.Migrations.OrderBy(entry => entry.Key, StringComparer.Ordinal).Skip(1))
        {
            var operations = migrations.CreateMigration(type, db.Database.ProviderName!).UpOperations;
            if (operations.OfType<SqlOperation>().Any(operation => operation.Sql.Contains(ServerFact.OldestSchema, StringComparison.Ordinal)))
                continue;
            var made = operations.OfType<CreateTableOperation>().Select(operation => operation.Name).ToHashSet(StringComparer.Ordinal);
            wrong.AddRange(operations.Where(operation => !Expands(operation, made)).Select(operation => $"{id}: {operation.GetType().Name}"));
        }
        Assert.True(wrong.Count == 0, "These take away what servers of the release before use while they run (docs/how-to/upgrade.md):\n" + string.Join('\n', wrong));
    }

    private static bool Expands(MigrationOperation operation, HashSet<string> made) => operation switch
    {
        DropTableOperation or DropColumnOperation or RenameTableOperation or RenameColumnOperation or AlterColumnOperation => false,
        AddColumnOperation column => column.IsNullable || column.DefaultValue is not null || column.DefaultValueSql is not null,
        // What is unique or refers to something from now on was not before.
        CreateIndexOperation { IsUnique: true } index => made.Contains(index.Table),
        AddForeignKeyOperation key => made.Contains(key.Table),
        _ => true,
    };
}
