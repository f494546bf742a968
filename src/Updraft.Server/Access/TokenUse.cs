using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Telemetry;
using Updraft.Server.Tokens;

namespace Updraft.Server.Access;

/// <summary>Notes when tokens are used and writes it down every minute, so that reading with a token does not write.</summary>
internal sealed partial class TokenUse(IServiceScopeFactory scopes, TimeProvider clock, ILogger<TokenUse> logger) : BackgroundService
{
    /// <summary>Value of the metric label <c>work</c>.</summary>
    public const string WorkName = "note_token_use";

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<TokenId, DateTimeOffset> _used = new();

    /// <summary>The token was used now.</summary>
    public void Note(TokenId token) => _used[token] = clock.GetUtcNow();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await WriteAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await WriteAsync(CancellationToken.None);
        }
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        var used = _used.ToArray();
        if (used.Length == 0)
            return;
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
            await using var write = await db.BeginWriteAsync(cancellationToken);
            // In one order on all servers: otherwise two could wait for each other.
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
            // Kept for the next minute: that a token was used is never worth failing for.
            LogNotWritten(exception);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "When tokens were used could not be written down; it is tried again.")]
    private partial void LogNotWritten(Exception exception);
}
