using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Database;

namespace Updraft.Server.Webhooks;

/// <summary>
/// Sends what is due, outside of any transaction:
/// <list type="number">
/// <item>A delivery is claimed by moving the time at which it is due: of several servers one succeeds. Whoever dies afterwards has left a delivery
/// that becomes due again.</item>
/// <item>It is sent. A slow receiver holds few places, so that the others do not wait for it.</item>
/// <item>How it went is written down, with the time of the next attempt.</item>
/// </list>
/// So an event arrives at least once, under the same id each time.
/// </summary>
internal sealed partial class SendDeliveries(IServiceScopeFactory scopes, WebhookSignal signal, IOptions<WebhookOptions> options, TimeProvider clock,
    ILogger<SendDeliveries> log) : BackgroundService
{
    private const int MostAtOnce = 16, MostOfWebhook = 4;

    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<WebhookId, int> _busy = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var running = new List<Task>();
        while (!stoppingToken.IsCancellationRequested)
        {
            var (news, pause) = (signal.Next(), Poll);
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
                await Task.WhenAny([news, Task.Delay(pause, clock, stoppingToken), .. running]);
            running.RemoveAll(task => task.IsCompleted);
        }
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <returns>How long there is nothing to do.</returns>
    private async Task<TimeSpan> StartDueAsync(List<Task> running, CancellationToken cancellationToken)
    {
        var free = MostAtOnce - running.Count;
        if (free <= 0)
            return Poll;
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        WebhookId[] full = [.. _busy.Where(webhook => webhook.Value >= MostOfWebhook).Select(webhook => webhook.Key)];
        var rows = await db.WebhookDeliveries.Where(row => row.Status == DeliveryStatus.Pending && !full.Contains(row.WebhookId))
            .OrderBy(row => row.NextAt).Take(free).Select(row => new { row.Id, row.WebhookId, row.NextAt }).ToListAsync(cancellationToken);
        var hasSkipped = false;
        foreach (var row in rows)
        {
            var now = clock.GetUtcNow();
            if (row.NextAt > now)
                return row.NextAt - now < Poll ? row.NextAt - now : Poll;
            if (_busy.GetValueOrDefault(row.WebhookId) >= MostOfWebhook)
                hasSkipped = true;
            else if (await ClaimAsync(db, row.Id, row.NextAt, now + options.Value.Lease, cancellationToken))
                running.Add(SendAsync(row.Id, row.WebhookId, cancellationToken));
        }
        return hasSkipped || (rows.Count == free && running.Count < MostAtOnce) ? TimeSpan.Zero : Poll;
    }

    private static async Task<bool> ClaimAsync(UpdraftDbContext db, DeliveryId id, DateTimeOffset dueAt, DateTimeOffset until, CancellationToken cancellationToken)
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
            // It is due again when the claim ends.
            LogNotRecorded(id, exception);
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
        finally
        {
            if (_busy.AddOrUpdate(webhook, 0, static (_, count) => count - 1) == 0)
                _busy.TryRemove(KeyValuePair.Create(webhook, 0));
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "What is due for webhooks could not be read.")]
    private partial void LogNotRead(Exception exception);

    [LoggerMessage(2, LogLevel.Warning, "The attempt of delivery {Delivery} could not be written down; it comes again.")]
    private partial void LogNotRecorded(DeliveryId delivery, Exception exception);
}
