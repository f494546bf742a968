using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Events;

namespace Updraft.Server.Webhooks;

/// <summary>
/// Creates the deliveries of pending events. In one transaction, an event gets a delivery for each matching webhook, and is no longer
/// pending. So after a crash, an event is either still pending or has all its deliveries (transactional outbox).
/// </summary>
internal sealed class EnqueueDeliveries(UpdraftDbContext db, ComposePayload compose, TimeProvider clock)
{
    /// <summary>Maximum number of events in one transaction.</summary>
    public const int BatchSize = 50;

    /// <returns>The number of pending events, and of created deliveries.</returns>
    public async Task<(int Events, int Deliveries)> RunAsync(CancellationToken cancellationToken)
    {
        var pending = await db.Events.AsNoTracking().Where(row => row.IsPending).OrderBy(row => row.At).ThenBy(row => row.Id)
            .Take(BatchSize)
            .ToListAsync(cancellationToken);
        if (pending.Count == 0)
            return (0, 0);
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var created = 0;
        foreach (var happened in pending)
        {
            // Another replica with the same event waits here, and then updates no row.
            var updated = await db.Events.Where(row => row.Id == happened.Id && row.IsPending)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.IsPending, false), cancellationToken);
            if (updated == 1)
                created += await DeliverAsync(happened, cancellationToken);
        }
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return (pending.Count, created);
    }

    private async Task<int> DeliverAsync(Event happened, CancellationToken cancellationToken)
    {
        var webhooks = (await db.Webhooks.AsNoTracking()
            .Where(row => row.OrganizationId == happened.OrganizationId && row.WorkspaceId == happened.WorkspaceId && row.IsEnabled
                && (row.DeploymentId == null || row.DeploymentId == happened.DeploymentId) && row.CreatedAt <= happened.At)
            .ToListAsync(cancellationToken)).FindAll(row => row.EventTypes.Contains(happened.Type, StringComparer.Ordinal));
        if (webhooks.Count == 0)
            return 0;
        var payload = await compose.RunAsync(happened, cancellationToken);
        var now = clock.GetUtcNow();
        db.WebhookDeliveries.AddRange(webhooks.Select(webhook => New(webhook, happened, payload, now)));
        return webhooks.Count;
    }

    /// <summary>A new delivery, which is due immediately.</summary>
    public WebhookDelivery New(Webhook webhook, Event happened, WebhookPayload payload, DateTimeOffset now) => new()
    {
        Id = new DeliveryId(EntityId.New(clock)),
        WebhookId = webhook.Id,
        EventId = happened.Id.Value,
        EventType = happened.Type,
        DeploymentId = happened.DeploymentId,
        DeployId = happened.DeployId,
        Body = ComposePayload.Write(payload, webhook.Format),
        NextAt = now,
        CreatedAt = now,
    };
}
