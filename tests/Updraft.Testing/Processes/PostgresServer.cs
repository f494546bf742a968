using System.Diagnostics;
using Npgsql;

namespace Updraft.Testing;

/// <summary>A PostgreSQL cluster in a temporary directory, which may be stopped and started; <c>packaging/postgres</c> does it.</summary>
internal sealed class PostgresServer : IDisposable, IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("updraft-postgres-").FullName;
    private readonly EventHandler _atExit;
    private int _databases;
    private bool _isDisposed;

    private PostgresServer()
    {
        // PostgreSQL runs as another user when this process runs as root.
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);
        _atExit = (_, _) => Dispose();
        AppDomain.CurrentDomain.ProcessExit += _atExit;
    }

    /// <summary>Connection string of a user who may create databases.</summary>
    public string Admin { get; private set; } = "";

    public static async Task<PostgresServer> StartAsync()
    {
        var postgres = new PostgresServer();
        try
        {
            postgres.Admin = (await postgres.RunAsync("start")).Trim();
            return postgres;
        }
        catch
        {
            postgres.Dispose();
            throw;
        }
    }

    /// <summary>Makes an empty database; returns its connection string.</summary>
    public Task<string> CreateDatabaseAsync() => CreateDatabaseAsync(Admin, $"updraft{Interlocked.Increment(ref _databases)}");

    /// <summary>Makes an empty database in a running PostgreSQL; returns its connection string.</summary>
    /// <param name="admin">Connection string of a user who may create databases.</param>
    /// <param name="name">Its name.</param>
    public static async Task<string> CreateDatabaseAsync(string admin, string name)
    {
        await ExecuteAsync(admin, $"CREATE DATABASE {name} TEMPLATE template0");
        return new NpgsqlConnectionStringBuilder(admin) { Database = name }.ConnectionString;
    }

    /// <summary>Removes a database, also when clients are connected to it.</summary>
    public static Task DropDatabaseAsync(string admin, string name) => ExecuteAsync(admin, $"DROP DATABASE IF EXISTS {name} WITH (FORCE)");

    /// <summary>How many sessions a program has. When a killed program has none, PostgreSQL has carried out all its statements.</summary>
    /// <param name="applicationName">The name that the program gives for its sessions.</param>
    public async Task<long> CountSessionsAsync(string applicationName) =>
        (long)(await ExecuteAsync(Admin, $"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{applicationName}'"))!;

    /// <summary>Stops it in order, which breaks all connections, and starts it again.</summary>
    public Task RestartAsync() => RunAsync("restart");

    /// <summary>Ends it as a crash does, without a message to clients, and starts it again.</summary>
    public async Task CrashAsync()
    {
        await RunAsync("crash");
        await RunAsync("start");
    }

    /// <param name="what"><c>start</c>, <c>stop</c>, <c>crash</c> or <c>restart</c>.</param>
    /// <returns>The output of the script; after a start, the connection string.</returns>
    public async Task<string> RunAsync(string what)
    {
        using var process = Process.Start(new ProcessStartInfo(Programs.InCheckout("packaging/postgres"), [_folder, what])
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

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, true))
            return;
        AppDomain.CurrentDomain.ProcessExit -= _atExit;
        // Nothing of the cluster is needed any more, so it does not shut down in order. It does not run after a test crashed it.
        if (File.Exists(Path.Join(_folder, "data", "postmaster.pid")))
            RunAsync("crash").GetAwaiter().GetResult();
        Directory.Delete(_folder, recursive: true);
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private static async Task<object?> ExecuteAsync(string admin, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(admin) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
