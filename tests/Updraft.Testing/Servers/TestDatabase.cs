using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Updraft.Testing;

/// <summary>
/// Where the servers of tests keep their data: in SQLite files, or, when <c>UPDRAFT_TEST_DATABASE</c> names a PostgreSQL in which databases can be
/// made, in a database each. The first one is prepared by its server and kept as the template of all others.
/// </summary>
internal sealed class TestDatabase : IAsyncDisposable
{
    private static readonly string? Admin = Environment.GetEnvironmentVariable("UPDRAFT_TEST_DATABASE");
    private static readonly SemaphoreSlim Turn = new(1, 1);
    private static string? _template;
    private static int _count;

    private readonly string _admin;
    private readonly string _name;

    private TestDatabase(string admin, string name) => (_admin, _name) = (admin, name);

    /// <summary>Whether tests run on PostgreSQL.</summary>
    public static bool IsPostgres => !string.IsNullOrEmpty(Admin);

    /// <summary>The connection string of this database.</summary>
    public string ConnectionString => new NpgsqlConnectionStringBuilder(_admin) { Database = _name }.ConnectionString;

    /// <summary>A database for one server; null when tests run on SQLite.</summary>
    public static async Task<TestDatabase?> CreateAsync()
    {
        if (!IsPostgres)
            return null;
        await Turn.WaitAsync();
        try
        {
            if (_template is null)
            {
                var template = await CreateAsync(Admin!, template: null);
                await using (var app = Updraft.Server.Program.Create([$"--Database:ConnectionString={template.ConnectionString}", "--Logging:LogLevel:Default=None"]))
                {
                    await using var scope = app.Services.CreateAsyncScope();
                    await scope.ServiceProvider.GetRequiredService<Updraft.Server.Database.PrepareDatabase>().RunAsync(CancellationToken.None);
                }
                AppDomain.CurrentDomain.ProcessExit += (_, _) => template.DisposeAsync().AsTask().GetAwaiter().GetResult();
                _template = template._name;
            }
            // Copies of one template cannot be made at the same time.
            return await CreateAsync(Admin!, _template);
        }
        finally
        {
            Turn.Release();
        }
    }

    /// <summary>A database in a PostgreSQL.</summary>
    /// <param name="admin">Connection string of somebody who may create databases there.</param>
    /// <param name="template">The database to copy; an empty one when null.</param>
    public static async Task<TestDatabase> CreateAsync(string admin, string? template)
    {
        var database = new TestDatabase(admin, $"updraft_test_{Environment.ProcessId}_{Interlocked.Increment(ref _count)}");
        await database.RunAsync($"CREATE DATABASE {database._name} TEMPLATE {template ?? "template0"}");
        return database;
    }

    public async ValueTask DisposeAsync() => await RunAsync($"DROP DATABASE IF EXISTS {_name} WITH (FORCE)");

    private async Task RunAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_admin) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
