using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Events;

namespace Updraft.Server.Webhooks;

/// <summary>
/// Takes up events that nobody has looked at: in one transaction each gets one delivery for every webhook that wants it and is pending no more.
/// Whatever happens in between, it is either still pending or has all of its deliveries.
/// </summary>
internal sealed class EnqueueDeliveries(UpdraftDbContext db, ComposePayload compose, TimeProvider clock)
{
    /// <summary>Most events of one transaction.</summary>
    public const int Most = 50;

    /// <returns>How many there were, and how many deliveries they became.</returns>
    public async Task<(int Events, int Deliveries)> RunAsync(CancellationToken cancellationToken)
    {
        var pending = await db.Events.AsNoTracking().Where(row => row.IsPending).OrderBy(row => row.At).ThenBy(row => row.Id).Take(Most)
            .ToListAsync(cancellationToken);
        if (pending.Count == 0)
            return (0, 0);
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var made = 0;
        foreach (var happened in pending)
        {
            // Another server that is at the same one waits here, and finds that it is taken.
            var isOurs = await db.Events.Where(row => row.Id == happened.Id && row.IsPending)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.IsPending, false), cancellationToken);
            if (isOurs == 1)
                made += await DeliverAsync(happened, cancellationToken);
        }
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return (pending.Count, made);
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

    /// <summary>A delivery that is due at once.</summary>
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
