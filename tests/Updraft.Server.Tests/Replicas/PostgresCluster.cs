namespace Updraft.Server.Tests.Replicas;

/// <summary>
/// The PostgreSQL that all test classes share, and servers that share a database in it: the cluster that <c>UPDRAFT_TEST_POSTGRES</c> names,
/// or one that this process starts and stops.
/// </summary>
public class PostgresCluster : IAsyncLifetime
{
    private static readonly Lazy<Task<string>> Shared = new(StartSharedAsync);
    private string _admin = "";

    /// <summary>Finds or starts it.</summary>
    public virtual async ValueTask InitializeAsync() => _admin = await Shared.Value;

    /// <summary>An empty database; the caller disposes it.</summary>
    internal Task<TestDatabase> CreateDatabaseAsync() => TestDatabase.CreateAsync(_admin, template: null);

    /// <summary>Servers on one new database with one folder of keys.</summary>
    internal async Task<ServerGroup> StartServersAsync(int count, Action<Microsoft.AspNetCore.Builder.WebApplication>? addRoutes = null,
        int maxConnections = 50)
    {
        var group = new ServerGroup(await CreateDatabaseAsync(), maxConnections);
        try
        {
            await group.StartAsync(count, addRoutes);
            return group;
        }
        catch
        {
            await group.DisposeAsync();
            throw;
        }
    }

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>Uses a cluster of its own instead of the shared one.</summary>
    /// <param name="admin">Connection string of a user who may create databases.</param>
    private protected void Use(string admin) => _admin = admin;

    private static async Task<string> StartSharedAsync()
    {
        if (Environment.GetEnvironmentVariable("UPDRAFT_TEST_POSTGRES") is { Length: > 0 } running)
            return running;
        var server = await PostgresServer.StartAsync();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Dispose();
        return server.Admin;
    }
}

/// <summary>A PostgreSQL of one test class, which tests may stop and start.</summary>
public sealed class OwnPostgresCluster : PostgresCluster
{
    private PostgresServer? _server;

    public override async ValueTask InitializeAsync()
    {
        _server = await PostgresServer.StartAsync();
        Use(_server.Admin);
    }

    /// <summary>Breaks all connections, as an upgrade does.</summary>
    internal Task RestartAsync() => _server!.RunAsync("restart");

    /// <summary>Ends it as a crash does; clients get no message.</summary>
    internal Task CrashAsync() => _server!.RunAsync("crash");

    /// <summary>Starts it again after <see cref="CrashAsync"/>.</summary>
    internal Task StartAgainAsync() => _server!.RunAsync("start");

    public override ValueTask DisposeAsync()
    {
        _server?.Dispose();
        return base.DisposeAsync();
    }
}

/// <summary>Servers on one database.</summary>
internal sealed class ServerGroup(TestDatabase database, int maxConnections) : IAsyncDisposable
{
    /// <summary>The owner's token, which all of them take.</summary>
    public const string OwnerToken = "a-token-that-the-operator-chose-and-nobody-guesses-0123456789";

    private readonly string _keys = Directory.CreateTempSubdirectory("updraft-keys-").FullName;
    private readonly List<UpdraftServer> _servers = [];

    public UpdraftServer First => _servers[0];

    public UpdraftServer Second => _servers[1];

    /// <summary>What a further server needs to belong to them.</summary>
    public Dictionary<string, string> Settings(string? keys = null) => new(StringComparer.Ordinal)
    {
        ["Database:ConnectionString"] = database.ConnectionString,
        ["Database:MaxConnections"] = maxConnections.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["Keys"] = keys ?? _keys,
        ["Bootstrap:OwnerToken"] = OwnerToken,
        ["Webhooks:AllowedNetworks"] = "127.0.0.1",
    };

    /// <summary>Starts servers at the same time.</summary>
    public async Task StartAsync(int count, Action<Microsoft.AspNetCore.Builder.WebApplication>? addRoutes = null)
    {
        var starts = Enumerable.Range(0, count).Select(_ => UpdraftServer.StartAsync(settings: Settings(), addRoutes: addRoutes)).ToList();
        await Task.WhenAll(starts);
        _servers.AddRange(starts.Select(start => start.Result));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
        Directory.Delete(_keys, recursive: true);
        await database.DisposeAsync();
    }
}
