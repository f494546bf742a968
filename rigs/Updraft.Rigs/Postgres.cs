using System.Diagnostics;
using Npgsql;

namespace Updraft.Rigs;

/// <summary>A PostgreSQL of its own in a temporary folder, which may be stopped and started; <c>packaging/postgres</c> does it.</summary>
internal sealed class Postgres : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("updraft-postgres-").FullName;
    private string _admin = "";
    private int _databases;

    private Postgres() => File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);

    public static async Task<Postgres> StartAsync()
    {
        var postgres = new Postgres();
        postgres._admin = (await postgres.RunAsync("start")).Trim();
        return postgres;
    }

    /// <summary>Makes an empty database; returns its connection string.</summary>
    public Task<string> CreateDatabaseAsync() =>
        CreateDatabaseAsync(_admin, $"updraft{Interlocked.Increment(ref _databases)}");

    /// <summary>Makes an empty database in a PostgreSQL that somebody else started; returns its connection string.</summary>
    /// <param name="admin">Connection string of somebody who may.</param>
    /// <param name="name">Its name.</param>
    public static async Task<string> CreateDatabaseAsync(string admin, string name)
    {
        await ExecuteAsync(admin, $"CREATE DATABASE {name} TEMPLATE template0");
        return new NpgsqlConnectionStringBuilder(admin) { Database = name }.ConnectionString;
    }

    /// <summary>Removes a database, whoever is connected to it.</summary>
    public static Task DropDatabaseAsync(string admin, string name) => ExecuteAsync(admin, $"DROP DATABASE IF EXISTS {name} WITH (FORCE)");

    /// <summary>Waits until a program has no session any more: what it had asked for is done by then or never.</summary>
    /// <param name="applicationName">By what its sessions are known.</param>
    public Task UntilNoSessionsAsync(string applicationName) => Site.EventuallyAsync(async () =>
        await ExecuteAsync(_admin, $"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{applicationName}'") is 0L,
        "sessions", () => $"{applicationName} is dead, but its sessions are not");

    /// <summary>Ends it in order, which breaks all connections, and starts it again.</summary>
    public Task RestartAsync() => RunAsync("restart");

    /// <summary>Ends it as a crash does, without a word to who is connected, and starts it again.</summary>
    public async Task CrashAsync()
    {
        await RunAsync("crash");
        await RunAsync("start");
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync("stop");
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<object?> ExecuteAsync(string admin, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(admin) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    private async Task<string> RunAsync(string what)
    {
        using var process = Process.Start(new ProcessStartInfo(Script(), [_folder, what])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"packaging/postgres {what}: {await error}");
    }

    private static string Script()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Join(folder.FullName, "Updraft.slnx")))
            folder = folder.Parent;
        return Path.Join(folder?.FullName, "packaging/postgres");
    }
}
