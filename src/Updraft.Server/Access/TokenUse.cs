using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Telemetry;
using Updraft.Server.Tokens;

namespace Updraft.Server.Access;

/// <summary>
/// Records when tokens are used. It saves the times every minute, so that a request that only reads does not write to the database.
/// </summary>
internal sealed partial class TokenUse(IServiceScopeFactory scopes, TimeProvider clock, ILogger<TokenUse> logger) : BackgroundService
{
    /// <summary>Value of the metric label <c>work</c>.</summary>
    public const string WorkName = "note_token_use";

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<TokenId, DateTimeOffset> _used = new();

    /// <summary>Sets the last-used time of a token to now.</summary>
    public void Note(TokenId token) => _used[token] = clock.GetUtcNow();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await SaveAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await SaveAsync(CancellationToken.None);
        }
    }

    private async Task SaveAsync(CancellationToken cancellationToken)
    {
        var used = _used.ToArray();
        if (used.Length == 0)
            return;
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
            await using var write = await db.BeginWriteAsync(cancellationToken);
            // All replicas lock the rows in the same order, so two replicas cannot wait for each other.
            foreach (var (token, at) in used.OrderBy(entry => entry.Key.Value, StringComparer.Ordinal))
            {
                await db.ApiTokens.Where(row => row.Id == token)
                    .ExecuteUpdateAsync(set => set.SetProperty(row => row.LastUsedAt, at), cancellationToken);
            }
            await write.CommitAsync(cancellationToken);
            BackgroundWork.Succeeded(WorkName);
            foreach (var entry in used)
                _used.TryRemove(entry);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            BackgroundWork.Failed(WorkName);
            // The times stay in memory for the next minute. A missing last-used time is no reason to stop the server.
            LogNotSaved(exception);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Could not save the last-used times of tokens; retrying in a minute.")]
    private partial void LogNotSaved(Exception exception);
}
