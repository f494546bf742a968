

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>
/// Location of the data of servers, as in the tests of the server: the data directory, or a separate database when
/// <c>UPDRAFT_TEST_DATABASE</c> names a PostgreSQL. If <c>UPDRAFT_TEST_STORAGE</c> is <c>azurite</c>, blobs are in Azurite, below a
/// separate prefix. A test with the trait <c>Database</c> does not run again there: <c>SQLite</c> needs the data directory, <c>own</c>
/// chooses the location itself, and <c>any</c> does not depend on it.
/// </summary>
internal sealed class DataPlace : IAsyncDisposable
{
    private static readonly string? Admin = Environment.GetEnvironmentVariable("UPDRAFT_TEST_DATABASE");
    private static readonly string? Storage = Environment.GetEnvironmentVariable("UPDRAFT_TEST_STORAGE");
    private static int _count;

    private readonly string? _database;

    private DataPlace(string? database) => _database = database;

    /// <summary>Whether blobs are in an object store.</summary>
    public static bool HasStore => !string.IsNullOrEmpty(Storage);

    /// <summary>Arguments of the server that select the location.</summary>
    public IReadOnlyList<string> Settings { get; private init; } = [];

    /// <summary>Creates a location for one installation.</summary>
    /// <param name="settings">Arguments of the test; a store among them has precedence.</param>
    public static async Task<DataPlace> ChooseAsync(IReadOnlyList<string> settings)
    {
        var chosen = new List<string>();
        string? database = null;
        if (!string.IsNullOrEmpty(Admin))
        {
            database = $"updraft_e2e_{Environment.ProcessId}_{Interlocked.Increment(ref _count)}";
            chosen.Add($"--Database:ConnectionString={await PostgresServer.CreateDatabaseAsync(Admin, database)}");
        }
        if (Storage is not (null or "" or "azurite"))
            throw new InvalidOperationException($"UPDRAFT_TEST_STORAGE is '{Storage}'. Set it to azurite, or leave it empty.");
        if (Storage == "azurite" && !settings.Any(setting => setting.StartsWith("--Storage:Url=", StringComparison.Ordinal)))
            chosen.AddRange((await ObjectStores.AzureAsync()).Select(setting => $"--{setting.Key}={setting.Value}"));
        return new DataPlace(database) { Settings = chosen };
    }

    public async ValueTask DisposeAsync()
    {
        if (_database is not null)
            await PostgresServer.DropDatabaseAsync(Admin!, _database);
    }
}
