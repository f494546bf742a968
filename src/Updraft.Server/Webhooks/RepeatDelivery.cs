using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Webhooks;

/// <summary>Sends an event again, or sends a test event.</summary>
internal sealed class RepeatDelivery(UpdraftDbContext db, WebhookQueries queries, EnqueueDeliveries enqueue, ComposePayload compose,
    EventLog events,
    WebhookSignal signal, TimeProvider clock)
{
    /// <summary>Sends an event again, with the same body and ID, even if it was delivered.</summary>
    /// <exception cref="ApiException">400: the webhook is disabled. 404: the caller manages no such webhook, or it has no such
    /// delivery.</exception>
    public async Task<WebhookDelivery> ResendAsync(Subject subject, WebhookId webhook, DeliveryId id, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var row = await LockEnabledAsync(subject, webhook, cancellationToken);
        var delivery = await db.WebhookDeliveries.SingleOrDefaultAsync(other => other.Id == id && other.WebhookId == webhook,
            cancellationToken)
            ?? throw ApiException.NotFound("delivery", id.Value);
        delivery.Repeat(clock.GetUtcNow());
        events.Record(EventTypes.WebhookRedelivered, subject.Profile, row.Scope(), row.Target(), ("event", delivery.EventId),
            ("eventType", delivery.EventType));
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        signal.Announce();
        return delivery;
    }

    /// <summary>Sends an event <c>webhook.test</c> to one webhook.</summary>
    /// <exception cref="ApiException">400: the webhook is disabled. 404: the caller manages no such webhook.</exception>
    public async Task<WebhookDelivery> TestAsync(Subject subject, WebhookId webhook, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var row = await LockEnabledAsync(subject, webhook, cancellationToken);
        var happened = events.Record(EventTypes.WebhookTest, subject.Profile, row.Scope(), row.Target());
        var delivery = enqueue.New(row, happened, await compose.RunAsync(happened, cancellationToken), clock.GetUtcNow());
        db.WebhookDeliveries.Add(delivery);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        signal.Announce();
        return delivery;
    }

    private async Task<Webhook> LockEnabledAsync(Subject subject, WebhookId id, CancellationToken cancellationToken)
    {
        var row = await queries.LockAsync(subject, id, cancellationToken);
        return row.IsEnabled ? row : throw new ApiException(WebhookErrors.Disabled, "The webhook is disabled. Enable it first.");
    }
}
