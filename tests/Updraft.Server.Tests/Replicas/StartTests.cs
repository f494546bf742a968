using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Tests.Replicas;

/// <summary>Servers that start on a database with others.</summary>
public sealed class StartTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Three_that_start_together_on_an_empty_database_make_one_schema_one_Organization_and_one_set_of_keys()
    {
        await using var servers = await cluster.StartServersAsync(3);
        Assert.Equal(servers.First.Services.GetRequiredService<SigningKeys>().Public.KeyId,
            servers.Second.Services.GetRequiredService<SigningKeys>().Public.KeyId);
        var organizations = await servers.Second.Client.GetOkAsync("/v1/organizations");
        Assert.Equal(1, organizations["totalCount"]!.GetValue<int>());
        var token = await servers.First.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_OWNER");
        await servers.Second.ClientWith(token).GetOkAsync(servers.First.OrganizationPath);
    }

    [Fact]
    public void Of_many_that_make_a_key_together_all_have_the_same_and_nothing_is_left()
    {
        var folder = Directory.CreateTempSubdirectory("updraft-keys-").FullName;
        try
        {
            for (var i = 0; i < 50; i++)
            {
                var path = Path.Join(folder, $"{i}.key");
                using var together = new Barrier(8);
                var keys = new byte[8][];
                var threads = Enumerable.Range(0, keys.Length).Select(number => new Thread(() => keys[number] = SigningKeys.LoadOrCreate(path, () =>
                {
                    together.SignalAndWait(TimeSpan.FromSeconds(1));
                    return [(byte)number];
                }))).ToList();
                threads.ForEach(thread => thread.Start());
                threads.ForEach(thread => thread.Join());
                Assert.All(keys, key => Assert.Equal(File.ReadAllBytes(path), key));
            }
            Assert.Equal(50, Directory.EnumerateFiles(folder).Count());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_server_with_other_keys_is_refused_and_told_what_to_do_and_can_be_made_to_accept()
    {
        await using var servers = await cluster.StartServersAsync(1);
        var keys = Directory.CreateTempSubdirectory("updraft-keys-").FullName;
        try
        {
            var refused = await Assert.ThrowsAsync<IOException>(() => UpdraftServer.StartAsync(settings: servers.Settings(keys)));
            Assert.Contains(Path.Join(keys, "signing.pem"), refused.Message, StringComparison.Ordinal);
            Assert.Contains("--Keys", refused.Message, StringComparison.Ordinal);

            await servers.First.StopAsync();
            var settings = servers.Settings(keys);
            settings["Database:AcceptKeys"] = "true";
            await using (await UpdraftServer.StartAsync(settings: settings))
            {
            }
            await using var again = await UpdraftServer.StartAsync(settings: servers.Settings(keys));
            await Assert.ThrowsAsync<IOException>(servers.First.RestartAsync);
        }
        finally
        {
            Directory.Delete(keys, recursive: true);
        }
    }

    [Fact]
    public async Task An_older_program_starts_on_a_newer_schema_unless_that_says_that_it_must_not()
    {
        await using var servers = await cluster.StartServersAsync(1);
        var server = servers.First;
        await ExecuteAsync("""INSERT INTO "__EFMigrationsHistory" VALUES ('29990101000000_Later', '10.0.15')""");
        await server.RestartAsync();
        Assert.Contains("29990101000000_Later", server.LogText, StringComparison.Ordinal);
        await server.CreateDeploymentAsync();

        await ExecuteAsync("INSERT INTO server_facts VALUES ('oldest_schema', '29990101000000_Later')");
        var refused = await Assert.ThrowsAsync<IOException>(server.RestartAsync);
        Assert.Contains("newer Updraft", refused.Message, StringComparison.Ordinal);

        async Task ExecuteAsync(string sql)
        {
            await using var scope = server.Services.CreateAsyncScope();
            await scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().Database.ExecuteSqlRawAsync(sql, Cancelled);
        }
    }

    [Fact]
    public async Task A_database_that_is_not_there_is_named_without_its_password()
    {
        await using var servers = await cluster.StartServersAsync(1);
        var settings = servers.Settings();
        settings["Database:ConnectionString"] = servers.First.ConnectionString!.Replace("updraft_test", "nowhere", StringComparison.Ordinal) + ";Password=hush";
        var refused = await Assert.ThrowsAsync<IOException>(() => UpdraftServer.StartAsync(settings: settings));
        Assert.Contains("nowhere", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", refused.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://up:p%40ss@db.example.org:6432/updraft?sslmode=require", "db.example.org|6432|updraft|up|p@ss|Require")]
    [InlineData("postgresql://up@db/updraft", "db|5432|updraft|up||Prefer")]
    [InlineData("Host=/run/postgresql;Database=updraft;Username=up", "/run/postgresql|5432|updraft|up||Prefer")]
    public void An_address_says_the_same_as_a_connection_string(string text, string expected)
    {
        var read = new DatabaseOptions { ConnectionString = text }.ForPool();
        Assert.Equal(expected, $"{read.Host}|{read.Port}|{read.Database}|{read.Username}|{read.Password}|{read.SslMode}");
    }

    [Theory]
    [InlineData("", "5s|30s|30s")]
    [InlineData(";Options=-c lock_timeout=9s", "9s|0|0")]
    public async Task Unless_the_connection_string_says_otherwise_waits_have_an_end(string said, string limits)
    {
        await using var servers = await cluster.StartServersAsync(1);
        var read = new DatabaseOptions { ConnectionString = servers.First.ConnectionString + said }.ForPool();
        await using var source = NpgsqlDataSource.Create(read);
        await using var connection = await source.OpenConnectionAsync(Cancelled);
        var found = new List<string>();
        foreach (var setting in (string[])["lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"])
        {
            await using var show = new NpgsqlCommand($"SHOW {setting}", connection);
            found.Add((string)(await show.ExecuteScalarAsync(Cancelled))!);
        }
        Assert.Equal(limits, string.Join('|', found));
        Assert.Equal((5, true), (read.Timeout, read.NoResetOnClose));
    }

    [Fact]
    public void What_the_connection_string_says_stands()
    {
        var read = new DatabaseOptions { ConnectionString = "Host=db;Database=updraft;Timeout=7;NoResetOnClose=false;Application Name=mine" }.ForPool();
        Assert.Equal((7, false, "mine"), (read.Timeout, read.NoResetOnClose, read.ApplicationName));
    }

    [Theory]
    [InlineData("postgres://db")]
    [InlineData("Host=db")]
    [InlineData("Nonsense=hush")]
    [InlineData("hush")]
    [InlineData("postgres://up:hush@db/updraft?nonsense=1")]
    public async Task A_connection_string_that_cannot_be_read_is_a_wrong_setting_and_is_not_repeated(string text)
    {
        var refused = await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(() => UpdraftServer.StartAsync(
            settings: new Dictionary<string, string>(StringComparer.Ordinal) { ["Database:ConnectionString"] = text }));
        Assert.Contains("Database:ConnectionString", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", refused.Message, StringComparison.Ordinal);
    }
}
