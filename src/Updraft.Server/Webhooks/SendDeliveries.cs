using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Database;

namespace Updraft.Server.Webhooks;

/// <summary>
/// Sends deliveries that are due, outside of any transaction:
/// <list type="number">
/// <item>Claim a delivery: move its due time into the future. Only one replica succeeds. If it crashes afterwards, the delivery becomes due
/// again.</item>
/// <item>Send it. A slow receiver gets only a few of the simultaneous attempts, so that other receivers do not wait for it.</item>
/// <item>Record the attempt, with the due time of the next one.</item>
/// </list>
/// So a receiver gets each event at least once, always with the same ID.
/// </summary>
internal sealed partial class SendDeliveries(IServiceScopeFactory scopes, WebhookSignal signal, IOptions<WebhookOptions> options,
    TimeProvider clock,
    ILogger<SendDeliveries> log) : BackgroundService
{
    private const int MaxAttempts = 16, MaxAttemptsOfWebhook = 4;

    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<WebhookId, int> _busy = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var running = new List<Task>();
        while (!stoppingToken.IsCancellationRequested)
        {
            var (signaled, pause) = (signal.Next(), Poll);
            try
            {
                pause = await StartDueAsync(running, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogNotRead(exception);
            }
            catch (OperationCanceledException)
            {
                break;
            }
            if (pause > TimeSpan.Zero)
                await Task.WhenAny([signaled, Task.Delay(pause, clock, stoppingToken), .. running]);
            running.RemoveAll(task => task.IsCompleted);
        }
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <returns>The pause before the next call.</returns>
    private async Task<TimeSpan> StartDueAsync(List<Task> running, CancellationToken cancellationToken)
    {
        var free = MaxAttempts - running.Count;
        if (free <= 0)
            return Poll;
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        WebhookId[] full = [.. _busy.Where(webhook => webhook.Value >= MaxAttemptsOfWebhook).Select(webhook => webhook.Key)];
        var rows = await db.WebhookDeliveries.Where(row => row.Status == DeliveryStatus.Pending && !full.Contains(row.WebhookId))
            .OrderBy(row => row.NextAt).Take(free).Select(row => new { row.Id, row.WebhookId, row.NextAt }).ToListAsync(cancellationToken);
        var hasSkipped = false;
        foreach (var row in rows)
        {
            var now = clock.GetUtcNow();
            if (row.NextAt > now)
                return row.NextAt - now < Poll ? row.NextAt - now : Poll;
            if (_busy.GetValueOrDefault(row.WebhookId) >= MaxAttemptsOfWebhook)
                hasSkipped = true;
            else if (await ClaimAsync(db, row.Id, row.NextAt, now + options.Value.Lease, cancellationToken))
                running.Add(SendAsync(row.Id, row.WebhookId, cancellationToken));
        }
        return hasSkipped || (rows.Count == free && running.Count < MaxAttempts) ? TimeSpan.Zero : Poll;
    }

    private static async Task<bool> ClaimAsync(UpdraftDbContext db, DeliveryId id, DateTimeOffset dueAt, DateTimeOffset until,
        CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var count = await db.WebhookDeliveries.Where(row => row.Id == id && row.Status == DeliveryStatus.Pending && row.NextAt == dueAt)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.NextAt, until), cancellationToken);
        await write.CommitAsync(cancellationToken);
        return count == 1;
    }

    private async Task SendAsync(DeliveryId id, WebhookId webhook, CancellationToken cancellationToken)
    {
        _busy.AddOrUpdate(webhook, 1, static (_, count) => count + 1);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            await scope.ServiceProvider.GetRequiredService<AttemptDelivery>().RunAsync(id, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The delivery is due again at the end of the claim.
            LogNotRecorded(id, exception);
        }
        catch (OperationCanceledException)
        {
            // The server stops. The delivery is due again at the end of the claim.
        }
        finally
        {
            if (_busy.AddOrUpdate(webhook, 0, static (_, count) => count - 1) == 0)
                _busy.TryRemove(KeyValuePair.Create(webhook, 0));
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Could not read the due webhook deliveries; retrying in a few seconds. Webhooks get events late.")]
    private partial void LogNotRead(Exception exception);

    [LoggerMessage(2, LogLevel.Warning, "Could not record an attempt of delivery {Delivery}; sending it again later. The receiver may get "
        + "it twice.")]
    private partial void LogNotRecorded(DeliveryId delivery, Exception exception);
}
