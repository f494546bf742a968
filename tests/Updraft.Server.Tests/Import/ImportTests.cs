using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Npgsql;
using Updraft.Server.Tests.Replicas;
using Updraft.Server.Tests.Rollouts;
using Updraft.Server.Tests.Uploads;
using Updraft.Server.Tests.Webhooks;

namespace Updraft.Server.Tests.Import;

/// <summary>One command moves an installation from one data directory. Clients and agents do not notice.</summary>
[Trait("Runs", "ci")] // Starts many processes, PostgreSQL and object stores, and takes minutes.
[Trait("Database", "own")]
public sealed class ImportTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("PostgreSQL", "Azure")]
    [InlineData("PostgreSQL", "S3")]
    [InlineData("PostgreSQL", "in place")]
    [InlineData("SQLite", "directory")]
    public async Task Imported_installation_returns_the_same_responses_and_continues(string engine, string store)
    {
        await using var source = await SourceServer.StartAsync();
        await using var database = engine == "PostgreSQL" ? await cluster.CreateDatabaseAsync() : null;
        var target = source.Target(database, store switch
        {
            "Azure" => await ObjectStores.AzureAsync(),
            "S3" => await ObjectStores.S3Async(),
            _ => null,
        }, store == "in place" ? source.Server.DataDirectory : null);
        var before = await source.ResponsesAsync(source.Server);
        await source.Server.StopAsync();

        var (tried, plan, _) = await source.ImportAsync(target, "--dry-run");
        Assert.Equal((0, store == "in place"), (tried, Directory.Exists(target["Data"])));
        var (code, report, said) = await source.ImportAsync(target);

        Assert.True(code == 0, said);
        Assert.Equal(plan!["tables"]!.AsArray().Count, report!["tables"]!.AsArray().Count);
        Assert.Equal(store == "in place" ? 0 : (int)plan["blobs"]!["all"]!, (int)report["blobs"]!["copied"]!);
        await using var moved = await UpdraftServer.StartAsync(settings: target);
        Assert.Empty(moved.ConsoleText);
        await source.AssertResponsesAsync(before, moved);

        // An agent that enrolled at the old server, and an upload that started there, continue at the new one.
        var agent = new TestAgent(moved.ClientWith(source.AgentToken), source.Agent.Enrolment);
        Assert.Null(await agent.AskAsync(3, "ACTIVATE"));
        await source.CompleteUploadAsync(moved);
        Assert.Equal(4, (await agent.AskAsync(3, "ACTIVATE"))!.Revision);
        var told = source.Receiver.Received.Count;
        var upload = await UploadSite.CreateAsync(moved, source.DeploymentId);
        var version = await upload.UploadAsync(new TarBuilder().File("dags/same.py", "# always").File("dags/later.py", "# later")
            .ToArray());
        await upload.FinalizeAsync(version);
        var state = (await agent.AskAsync(4, "ACTIVATE"))!;
        Assert.Equal((5, version), (state.Revision, Assert.Single(state.Mounts).Version));
        await agent.ConvergeAsync(5, version);
        var deployment = await moved.Client.GetOkAsync($"{moved.OrganizationPath}/deployments/{source.DeploymentId}");
        Assert.Equal((version, version), (deployment.Text("desiredDagTarballVersion"), deployment.Text("dagTarballVersion")));
        // The old server encrypted the webhook secret, and the new one decrypts it.
        var news = (await source.Receiver.WaitAsync(told + 3)).Skip(told).First(one => one.Id.Length > 0);
        Assert.True(await SignatureCheck.IsGoodAsync(source.WebhookSecret, news));
    }

    [Fact]
    public async Task Running_source_and_nonempty_target_are_rejected()
    {
        await using var source = await SourceServer.StartAsync();
        await using var database = await cluster.CreateDatabaseAsync();
        var (running, _, why) = await source.ImportAsync(source.Target(database));
        Assert.Equal(1, running);
        Assert.Contains("Another server uses the data directory", why, StringComparison.Ordinal);
        await source.Server.StopAsync();

        // The target also has different keys, but the error names the database.
        var target = source.Target(database);
        await using (await UpdraftServer.StartAsync(settings: target))
        {
        }
        var (code, _, said) = await source.ImportAsync(target);
        Assert.Equal(1, code);
        Assert.Contains("not empty", said, StringComparison.Ordinal);
        await using var again = await UpdraftServer.StartAsync(settings: target);

        var (itself, _, same) = await source.ImportAsync(source.Target(null, data: source.Server.DataDirectory));
        Assert.Equal(1, itself);
        Assert.Contains("the same database", same, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("manifests")]
    [InlineData("packs")]
    public async Task Damaged_blob_is_reported_and_the_import_continues_after_its_repair(string kind)
    {
        await using var source = await SourceServer.StartAsync();
        await source.Server.StopAsync();
        await using var database = await cluster.CreateDatabaseAsync();
        var target = source.Target(database);
        var blob = Directory.EnumerateFiles(Path.Join(source.Server.DataDirectory, "blobs", kind), "*", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal).First();
        var original = await File.ReadAllBytesAsync(blob, Cancelled);
        var damaged = original.ToArray();
        damaged[damaged.Length / 2] ^= 0x10;
        await File.WriteAllBytesAsync(blob, damaged, Cancelled);
        await AssertNamedAsync();
        File.Delete(blob);
        await AssertNamedAsync();

        await File.WriteAllBytesAsync(blob, original, Cancelled);
        var (code, report, said) = await source.ImportAsync(target);
        Assert.True(code == 0, said);
        Assert.True((bool)report!["resumed"]!);
        await using var moved = await UpdraftServer.StartAsync(settings: target);

        async Task AssertNamedAsync()
        {
            var (code, report, said) = await source.ImportAsync(target);
            Assert.True(code == 1, said);
            Assert.EndsWith((string)Assert.Single(report!["badBlobs"]!.AsArray())!["blob"]!, blob, StringComparison.Ordinal);
            Assert.False((bool)report["complete"]!);
            await Assert.ThrowsAsync<IOException>(() => UpdraftServer.StartAsync(settings: target));
        }
    }

    [Fact]
    public async Task Import_killed_during_the_tables_blocks_servers_and_can_be_completed()
    {
        await using var source = await SourceServer.StartAsync();
        var before = await source.ResponsesAsync(source.Server);
        await source.Server.StopAsync();
        await using var database = await cluster.CreateDatabaseAsync();
        var target = source.Target(database);
        // The import has copied the blobs, and waits for a locked table in the transaction of the tables.
        await PrepareAsync(database);
        await using var connection = new NpgsqlConnection(database.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(Cancelled);
        await using (var holding = await connection.BeginTransactionAsync(Cancelled))
        {
            await ExecuteAsync(connection, "LOCK TABLE revisions IN SHARE MODE");
            using var import = source.StartImport(target);
            // The start of a process is slow on a busy machine.
            using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(3));
            const string Waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'revisions'::regclass";
            while (!import.HasExited && await ExecuteAsync(connection, Waiting) is 0L)
                await Task.Delay(TimeSpan.FromMilliseconds(50), deadline.Token);
            Assert.False(import.HasExited);
            import.Kill();
            await import.WaitForExitAsync(Cancelled);
        }
        var refused = await Assert.ThrowsAsync<IOException>(() => UpdraftServer.StartAsync(settings: target));
        Assert.Contains($"import --From '{source.Server.DataDirectory}'", refused.Message, StringComparison.Ordinal);

        var (code, report, said) = await source.ImportAsync(target);
        Assert.True(code == 0, said);
        Assert.True((bool)report!["resumed"]!);
        await using var moved = await UpdraftServer.StartAsync(settings: target);
        await source.AssertResponsesAsync(before, moved);
    }

    [Fact]
    public async Task Import_killed_between_two_blobs_copies_the_rest_next_time()
    {
        await using var source = await SourceServer.StartAsync();
        var before = await source.ResponsesAsync(source.Server);
        await source.Server.StopAsync();
        await using var database = await cluster.CreateDatabaseAsync();
        var target = source.Target(database);
        var blobs = Path.Join(source.Server.DataDirectory, "blobs");
        var all = Files(blobs);
        // Opening a named pipe blocks until a process writes to it.
        var held = Path.Join(blobs, all.First(blob => blob.StartsWith("packs/", StringComparison.Ordinal)));
        var kept = Path.Join(source.Server.DataDirectory, "kept");
        File.Move(held, kept);
        using (var made = Process.Start("mkfifo", [held]))
            await made.WaitForExitAsync(Cancelled);
        using (var import = source.StartImport(target))
        {
            using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(3));
            while (!import.HasExited && Files(Path.Join(target["Data"], "blobs")).Count < all.Count - 1)
                await Task.Delay(TimeSpan.FromMilliseconds(50), deadline.Token);
            Assert.False(import.HasExited);
            import.Kill();
            await import.WaitForExitAsync(Cancelled);
        }
        File.Delete(held);
        File.Move(kept, held);
        await Assert.ThrowsAsync<IOException>(() => UpdraftServer.StartAsync(settings: target));

        var (code, report, said) = await source.ImportAsync(target);
        Assert.True(code == 0, said);
        Assert.Equal((all.Count, all.Count - 1, 1),
            ((int)report!["blobs"]!["all"]!, (int)report["blobs"]!["present"]!, (int)report["blobs"]!["copied"]!));
        Assert.Equal(all, Files(Path.Join(target["Data"], "blobs")));
        await using var moved = await UpdraftServer.StartAsync(settings: target);
        await source.AssertResponsesAsync(before, moved);

        static List<string> Files(string directory) => !Directory.Exists(directory) ? [] :
        [
            .. Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(directory, path)).Where(path => !path.StartsWith("tmp/", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
        ];
    }

    [Fact]
    public async Task Source_with_an_old_schema_or_without_keys_is_rejected()
    {
        await using var source = await SourceServer.StartAsync();
        await source.Server.StopAsync();
        await using var database = await cluster.CreateDatabaseAsync();
        var keys = Path.Join(source.Server.DataDirectory, "keys");
        Directory.Move(keys, keys + "-elsewhere");
        var (code, _, said) = await source.ImportAsync(source.Target(database));
        Assert.Equal(1, code);
        Assert.Contains("--Keys", said, StringComparison.Ordinal);
        var target = source.Target(database);
        target["Keys"] = keys + "-elsewhere";
        // A missing key is not replaced by a generated one.
        var webhooks = Path.Join(target["Keys"], "webhooks.key");
        File.Move(webhooks, webhooks + "-elsewhere");
        var (incomplete, _, which) = await source.ImportAsync(target);
        Assert.Equal(1, incomplete);
        Assert.Contains($"the key '{webhooks}' is missing", which, StringComparison.Ordinal);
        Assert.False(File.Exists(webhooks));
        File.Move(webhooks + "-elsewhere", webhooks);
        var (found, _, why) = await source.ImportAsync(target);
        Assert.True(found == 0, why);

        var file = Path.Join(source.Server.DataDirectory, "database", "updraft.db");
        await using (var connection = new SqliteConnection($"Data Source={file};Pooling=false"))
        {
            await connection.OpenAsync(Cancelled);
            await using var command = connection.CreateCommand();
            command.CommandText = """
                DELETE FROM "__EFMigrationsHistory" WHERE migration_id = (SELECT max(migration_id) FROM "__EFMigrationsHistory")
                """;
            await command.ExecuteNonQueryAsync(Cancelled);
        }
        await using var other = await cluster.CreateDatabaseAsync();
        target["Database:ConnectionString"] = other.ConnectionString;
        var (old, _, told) = await source.ImportAsync(target);
        Assert.Equal(1, old);
        Assert.Contains("older Updraft", told, StringComparison.Ordinal);
    }

    private static async Task PrepareAsync(TestDatabase database)
    {
        await using var app = Program.Create(
            [$"--Database:ConnectionString={database.ConnectionString}", "--Logging:LogLevel:Default=None"]);
        await using var scope = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.CreateAsyncScope(app.Services);
        await Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions
            .GetRequiredService<Updraft.Server.Database.PrepareDatabase>(scope.ServiceProvider).MigrateSchemaAsync(Cancelled);
    }

    private static async Task<object?> ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Cancelled);
    }
}
