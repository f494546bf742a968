using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Health;

/// <summary>
/// Tries everything that a deploy needs: a write to the database, a write to the blob store, and a write to the data directory, where
/// uploads are staged. Requests within a second share one result, because anyone may send them.
/// </summary>
internal sealed partial class CheckReadiness(IServiceScopeFactory scopes, IOptions<ServerOptions> server, TimeProvider clock,
    ILogger<CheckReadiness> logger)
{
    private static readonly TimeSpan CacheLifetime = TimeSpan.FromSeconds(1);

    // A long upload may hold the only writer of SQLite. The database works then, so the check does not wait for the end of the upload.
    private static readonly TimeSpan MaxWaitForWriter = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private Task<IReadOnlyList<string>>? _last;
    private long _lastAt;

    /// <summary>The parts that do not work; empty if the server is ready.</summary>
    public Task<IReadOnlyList<string>> RunAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_last is null || (_last.IsCompleted && clock.GetElapsedTime(_lastAt) >= CacheLifetime))
            {
                _lastAt = clock.GetTimestamp();
                _last = Task.Run(CheckAsync, CancellationToken.None);
            }
            return _last.WaitAsync(cancellationToken);
        }
    }

    // No request owns the check: the first requester may disconnect while others wait.
    private async Task<IReadOnlyList<string>> CheckAsync()
    {
        await using var scope = scopes.CreateAsyncScope();
        List<string> broken = [];
        await TryAsync("database", () => WriteToDatabaseAsync(scope.ServiceProvider.GetRequiredService<UpdraftDbContext>()));
        if (scope.ServiceProvider.GetService<IBlobStore>() is { } store)
            await TryAsync("blob store", () => store.CheckAsync(CancellationToken.None));
        await TryAsync("data directory", WriteToDataDirectory);
        return broken;

        async Task TryAsync(string part, Func<Task> check)
        {
            try
            {
                await check();
            }
            catch (Exception exception)
            {
                LogCheckFailed(part, exception);
                broken.Add(part);
            }
        }
    }

    /// <summary>Writes a row and takes the write back, so that the check leaves nothing behind.</summary>
    private async Task WriteToDatabaseAsync(UpdraftDbContext db)
    {
        using var busy = new CancellationTokenSource(MaxWaitForWriter, clock);
        try
        {
            await using var write = await db.BeginWriteAsync(busy.Token);
            db.ServerFacts.Add(new() { Name = "readiness-" + EntityId.New(clock), Value = "" });
            await db.SaveChangesAsync(busy.Token);
        }
        catch (OperationCanceledException) when (busy.IsCancellationRequested)
        {
            await db.Database.ExecuteSqlRawAsync("SELECT 1", CancellationToken.None);
        }
    }

    private Task WriteToDataDirectory()
    {
        var path = Path.Join(server.Value.Folder(FreeSpace.SpoolDirectory), Path.GetRandomFileName() + AtomicFile.TemporarySuffix);
        try
        {
            File.WriteAllBytes(path, "updraft"u8.ToArray());
        }
        finally
        {
            File.Delete(path);
        }
        return Task.CompletedTask;
    }

    [LoggerMessage(10, LogLevel.Error, "The readiness check of the {Part} failed. The server reports that it is not ready.")]
    private partial void LogCheckFailed(string part, Exception exception);
}
