using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Webhooks;

/// <summary>
/// One attempt of a claimed delivery. The transaction that records the attempt starts after the response. It also disables the webhook
/// if its receiver responds with 410, or if all deliveries have failed for days.
/// </summary>
internal sealed partial class AttemptDelivery(UpdraftDbContext db, WebhookClient client, WebhookKey key, EventLog events,
    IOptions<WebhookOptions> options,
    TimeProvider clock, ILogger<AttemptDelivery> log)
{
    /// <summary>Error of an attempt: the server's key cannot decrypt the secret.</summary>
    private const string WrongKey = "KEY";

    public async Task RunAsync(DeliveryId id, CancellationToken cancellationToken)
    {
        var delivery = await db.WebhookDeliveries.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
        if (delivery is null)
            return;
        var webhook = await db.Webhooks.AsNoTracking().SingleAsync(row => row.Id == delivery.WebhookId, cancellationToken);
        var attempt = webhook.IsEnabled ? await SendAsync(webhook, delivery, cancellationToken) : null;
        await RecordAsync(delivery, attempt, cancellationToken);
        if (attempt is not null)
            LogAttempt(delivery.EventId, webhook.Id, attempt.StatusCode, attempt.Error, attempt.Milliseconds);
    }

    private async Task<WebhookAttempt> SendAsync(Webhook webhook, WebhookDelivery delivery, CancellationToken cancellationToken)
    {
        try
        {
            var url = new Uri(key.Open(webhook.Id, WebhookMapping.UrlPurpose, webhook.Url));
            List<string> secrets = [key.Open(webhook.Id, WebhookSecret.Purpose, webhook.Secret)];
            if (webhook.PreviousSecretEndsAt > clock.GetUtcNow() && OpenPrevious(webhook) is { } previous)
                secrets.Add(previous);
            return await client.SendAsync(url, delivery.EventId, delivery.Body, secrets, cancellationToken);
        }
        catch (CryptographicException exception)
        {
            LogWrongKey(webhook.Id, exception);
            return new WebhookAttempt(clock.GetUtcNow(), null, WrongKey, 0);
        }
    }

    private string? OpenPrevious(Webhook webhook)
    {
        try
        {
            return webhook.PreviousSecret is { } previous ? key.Open(webhook.Id, WebhookSecret.Purpose, previous) : null;
        }
        catch (CryptographicException)
        {
            // Another key encrypted the previous secret.
            return null;
        }
    }

    private async Task RecordAsync(WebhookDelivery sent, WebhookAttempt? attempt, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        // The lock of the webhook comes first, because two attempts of one webhook may disable it at the same time.
        var webhook = await db.LockWebhookAsync(sent.WebhookId, cancellationToken);
        var delivery = await db.WebhookDeliveries.SingleOrDefaultAsync(row => row.Id == sent.Id, cancellationToken);
        if (webhook is null || delivery is null)
            return;
        if (attempt is null)
        {
            delivery.Abort();
        }
        else
        {
            var pause = attempt.IsGone ? null : options.Value.PauseAfter(delivery.Tries + 1, RandomShare());
            delivery.Record(attempt, pause is null ? null : clock.GetUtcNow() + pause);
            await UpdateWebhookAsync(webhook, attempt, cancellationToken);
        }
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    private async Task UpdateWebhookAsync(Webhook webhook, WebhookAttempt attempt, CancellationToken cancellationToken)
    {
        if (attempt.IsSuccess)
        {
            webhook.FailingSince = null;
            return;
        }
        webhook.FailingSince ??= attempt.At;
        var limit = options.Value.DisableAfter;
        var hasFailedTooLong = limit > TimeSpan.Zero && webhook.FailingSince <= clock.GetUtcNow() - limit;
        if (!webhook.IsEnabled || !(attempt.IsGone || hasFailedTooLong))
            return;
        webhook.IsEnabled = false;
        webhook.DisabledReason = attempt.IsGone ? "The receiver responded with 410, which ends the subscription."
            : $"All deliveries have failed since {webhook.FailingSince:yyyy-MM-dd'T'HH:mm:ss'Z'}.";
        await db.AbortPendingAsync(webhook.Id, cancellationToken);
        events.Record(EventTypes.WebhookDisabled, new SubjectProfile(webhook.Id.Value, SubjectKind.ServiceKey, "Updraft"),
            webhook.Scope(), webhook.Target(),
            ("reason", webhook.DisabledReason));
        LogDisabled(webhook.Id, webhook.DisabledReason);
    }

    private static double RandomShare() => RandomNumberGenerator.GetInt32(1 << 20) / (double)(1 << 20);

    [LoggerMessage(1, LogLevel.Information, "Sent event {Event} to webhook {Webhook}: {StatusCode}{Error} after {Milliseconds} ms")]
    private partial void LogAttempt(string @event, WebhookId webhook, int? statusCode, string? error, long milliseconds);

    [LoggerMessage(2, LogLevel.Warning, "Disabled webhook {Webhook}. {Reason}")]
    private partial void LogDisabled(WebhookId webhook, string reason);

    [LoggerMessage(3, LogLevel.Error,
        "Could not decrypt the secret of webhook {Webhook}: another webhooks.key encrypted it. Rotate the secret, and save the URL again.")]
    private partial void LogWrongKey(WebhookId webhook, Exception exception);
}
