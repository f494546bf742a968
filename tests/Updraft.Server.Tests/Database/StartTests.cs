using Microsoft.Data.Sqlite;

namespace Updraft.Server.Tests.Database;

/// <summary>Starts of a server on an existing data directory.</summary>
public sealed class StartTests
{
    [Trait("Database", "SQLite")]
    [Trait("catalog", "C11")]
    [Fact]
    public async Task Start_after_a_killed_migration_does_not_wait()
    {
        await using var server = await UpdraftServer.StartAsync();
        var deployment = await server.CreateDeploymentAsync();
        await server.StopAsync();
        using (var connection = new SqliteConnection($"Data Source={Path.Join(server.DataDirectory, "database", "updraft.db")}"))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            using var command = connection.CreateCommand();
            // The row that a killed process leaves in the lock table of EF.
            command.CommandText = """
                CREATE TABLE IF NOT EXISTS "__EFMigrationsLock" ("Id" INTEGER NOT NULL PRIMARY KEY, "Timestamp" TEXT NOT NULL);
                INSERT OR REPLACE INTO "__EFMigrationsLock" VALUES (1, '2026-01-01 00:00:00');
                """;
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        await server.RestartAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await server.Client.GetOkAsync($"{server.OrganizationPath}/deployments/{deployment}");
    }

    [Trait("catalog", "D12")]
    [Fact]
    public async Task Second_server_on_a_data_directory_is_rejected_with_advice()
    {
        await using var server = await UpdraftServer.StartAsync();
        var failure = await Assert.ThrowsAsync<IOException>(() => UpdraftServer.StartAsync(
            settings: new Dictionary<string, string>(StringComparer.Ordinal) { ["Data"] = server.DataDirectory }));
        Assert.Contains(server.DataDirectory, failure.Message, StringComparison.Ordinal);
        Assert.Contains("--Data", failure.Message, StringComparison.Ordinal);
        await server.CreateDeploymentAsync();
    }
}
