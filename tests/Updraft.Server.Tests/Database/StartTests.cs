using Microsoft.Data.Sqlite;

namespace Updraft.Server.Tests.Database;

/// <summary>What a start finds on the disk: rows C11 and D12.</summary>
public sealed class StartTests
{
    [Trait("Database", "SQLite")]
    [Fact]
    public async Task C11_A_start_that_was_killed_while_it_made_the_schema_does_not_hold_up_the_next()
    {
        await using var server = await UpdraftServer.StartAsync();
        var deployment = await server.CreateDeploymentAsync();
        await server.StopAsync();
        using (var connection = new SqliteConnection($"Data Source={Path.Join(server.DataDirectory, "database", "updraft.db")}"))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            using var command = connection.CreateCommand();
            // What the migrations' own lock leaves when its process dies.
            command.CommandText = """
                CREATE TABLE IF NOT EXISTS "__EFMigrationsLock" ("Id" INTEGER NOT NULL PRIMARY KEY, "Timestamp" TEXT NOT NULL);
                INSERT OR REPLACE INTO "__EFMigrationsLock" VALUES (1, '2026-01-01 00:00:00');
                """;
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        await server.RestartAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await server.Client.GetOkAsync($"{server.OrganizationPath}/deployments/{deployment}");
    }

    [Fact]
    public async Task D12_A_second_server_on_the_folder_is_refused_and_told_what_to_do()
    {
        await using var server = await UpdraftServer.StartAsync();
        var refused = await Assert.ThrowsAsync<IOException>(() => UpdraftServer.StartAsync(
            settings: new Dictionary<string, string>(StringComparer.Ordinal) { ["Data"] = server.DataDirectory }));
        Assert.Contains(server.DataDirectory, refused.Message, StringComparison.Ordinal);
        Assert.Contains("--Data", refused.Message, StringComparison.Ordinal);
        await server.CreateDeploymentAsync();
    }
}
