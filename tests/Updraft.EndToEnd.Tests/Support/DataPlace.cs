

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>
/// Where servers keep their data, as for the server's own tests: in the data folder; or in a database of their own when <c>UPDRAFT_TEST_DATABASE</c>
/// names a PostgreSQL, with blobs in a place of their own in Azurite when <c>UPDRAFT_TEST_STORAGE</c> is <c>azurite</c>.
/// A test with the trait <c>Database</c> is not run again there: <c>SQLite</c> is about the data folder, <c>own</c> chooses where its servers
/// keep their data, and to <c>any</c> it makes no difference.
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

    /// <summary>Settings of the server.</summary>
    public IReadOnlyList<string> Settings { get; private init; } = [];

    /// <summary>A place for one installation.</summary>
    /// <param name="settings">What the test sets itself; a store that is chosen there stays.</param>
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
            throw new InvalidOperationException($"UPDRAFT_TEST_STORAGE can be azurite here, not '{Storage}'.");
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
