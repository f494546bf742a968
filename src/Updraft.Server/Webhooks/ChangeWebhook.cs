using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Webhooks;

/// <summary>Changes or deletes a webhook, or rotates its secret.</summary>
internal sealed class ChangeWebhook(UpdraftDbContext db, WebhookQueries queries, AddressGuard guard, WebhookKey key, EventLog events,
    TimeProvider clock)
{
    /// <summary>Replaces all fields. If the request disables the webhook, its pending deliveries are aborted.</summary>
    /// <exception cref="ApiException">
    /// 400: an invalid field, or a URL that webhooks may not reach. 404: the caller manages no such webhook.
    /// </exception>
    public async Task<Webhook> UpdateAsync(Subject subject, WebhookId id, UpdateWebhookRequest request, CancellationToken cancellationToken)
    {
        var name = TextLimit.Name(request.Name, "name", CreateWebhook.MaxName);
        var url = guard.Check(request.Url).AbsoluteUri;
        var (types, format) = (WebhookEvents.Check(request.EventTypes), CreateWebhook.ReadFormat(request.Format));
        var isEnabled = request.IsEnabled ?? true;
        return await ChangeAsync(subject, id, EventTypes.WebhookUpdated, async row =>
        {
            if (isEnabled && !row.IsEnabled)
                row.FailingSince = null;
            if (!isEnabled)
                await db.AbortPendingAsync(id, cancellationToken);
            (row.Name, row.EventTypes, row.Format, row.IsEnabled) = (name, types, format, isEnabled);
            row.DisabledReason = null;
            row.Url = key.Seal(id, WebhookMapping.UrlPurpose, url);
            return [("host", new Uri(url).Authority), ("eventTypes", string.Join(' ', types)),
                ("format", format.ToString().ToUpperInvariant()),
                ("enabled", isEnabled ? "true" : "false")];
        }, cancellationToken);
    }

    /// <summary>
    /// Replaces the secret. For a day, the server also signs with the old secret, so that the receiver has time to change.
    /// </summary>
    /// <exception cref="ApiException">404: the caller manages no such webhook.</exception>
    public async Task<(Webhook Row, string Secret)> RotateAsync(Subject subject, WebhookId id, CancellationToken cancellationToken)
    {
        var secret = WebhookSecret.Create();
        var changed = await ChangeAsync(subject, id, EventTypes.WebhookRotated, row =>
        {
            (row.PreviousSecret, row.PreviousSecretEndsAt) = (row.Secret, clock.GetUtcNow() + WebhookSecret.Overlap);
            row.Secret = key.Seal(id, WebhookSecret.Purpose, secret);
            return Task.FromResult<(string, string?)[]>([]);
        }, cancellationToken);
        return (changed, secret);
    }

    /// <summary>Deletes the webhook with its deliveries.</summary>
    /// <exception cref="ApiException">404: the caller manages no such webhook.</exception>
    public Task DeleteAsync(Subject subject, WebhookId id, CancellationToken cancellationToken) =>
        ChangeAsync(subject, id, EventTypes.WebhookDeleted, row =>
        {
            db.Webhooks.Remove(row);
            return Task.FromResult<(string, string?)[]>([]);
        }, cancellationToken);

    private async Task<Webhook> ChangeAsync(Subject subject, WebhookId id, string type,
        Func<Webhook, Task<(string Name, string? Value)[]>> change,
        CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var row = await queries.LockAsync(subject, id, cancellationToken);
        var details = await change(row);
        (row.UpdatedAt, row.UpdatedBy) = (clock.GetUtcNow(), subject.Profile);
        events.Record(type, subject.Profile, row.Scope(), row.Target(), details);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return row;
    }
}
