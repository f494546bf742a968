using System.Diagnostics;
using Updraft.Server.Tests.Conventions;
using Updraft.Server.Tests.Support;

namespace Updraft.Server.Tests.Replicas;

/// <summary>A PostgreSQL of its own, which tests may stop and start, and servers that share a database in it.</summary>
public sealed class PostgresCluster : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("updraft-postgres-").FullName;
    private string _admin = "";

    /// <summary>Starts it.</summary>
    public async ValueTask InitializeAsync()
    {
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);
        _admin = (await RunAsync("start")).Trim();
    }

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

    /// <summary>Breaks all connections, as an upgrade does.</summary>
    internal Task RestartAsync() => RunAsync("restart");

    /// <summary>Ends it as a crash does, without a word to who is connected.</summary>
    internal Task CrashAsync() => RunAsync("crash");

    /// <summary>Starts it again after <see cref="CrashAsync"/>.</summary>
    internal Task StartAgainAsync() => RunAsync("start");

    public async ValueTask DisposeAsync()
    {
        await RunAsync("stop");
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<string> RunAsync(string what)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Join(SourceTree.Root, "packaging/postgres"), [_folder, what])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var output = await process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        Assert.True(process.ExitCode == 0, $"packaging/postgres {what}: {await error}");
        return output;
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
