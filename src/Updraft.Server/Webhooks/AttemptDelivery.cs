using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Webhooks;

/// <summary>
/// One attempt at a claimed delivery: read, send, and only then begin the transaction that writes down how it went. A webhook that nothing reaches
/// for days, or whose receiver answers that it is gone, is switched off there.
/// </summary>
internal sealed partial class AttemptDelivery(UpdraftDbContext db, WebhookClient client, WebhookKey key, EventLog events, IOptions<WebhookOptions> options,
    TimeProvider clock, ILogger<AttemptDelivery> log)
{
    /// <summary>The secret cannot be read with the key that the server has.</summary>
    private const string WrongKey = "KEY";

    public async Task RunAsync(DeliveryId id, CancellationToken cancellationToken)
    {
        var delivery = await db.WebhookDeliveries.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
        if (delivery is null)
            return;
        var webhook = await db.Webhooks.AsNoTracking().SingleAsync(row => row.Id == delivery.WebhookId, cancellationToken);
        var attempt = webhook.IsEnabled ? await SendAsync(webhook, delivery, cancellationToken) : null;
        await NoteAsync(delivery, attempt, cancellationToken);
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
            // Of before the key was another one.
            return null;
        }
    }

    private async Task NoteAsync(WebhookDelivery sent, WebhookAttempt? attempt, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        // Always the webhook first: two attempts of one webhook may both want to switch it off.
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
            var pause = attempt.IsGone ? null : options.Value.PauseAfter(delivery.Tries + 1, Chance());
            delivery.Note(attempt, pause is null ? null : clock.GetUtcNow() + pause);
            await JudgeAsync(webhook, attempt, cancellationToken);
        }
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    private async Task JudgeAsync(Webhook webhook, WebhookAttempt attempt, CancellationToken cancellationToken)
    {
        if (attempt.IsSuccess)
        {
            webhook.FailingSince = null;
            return;
        }
        webhook.FailingSince ??= attempt.At;
        var limit = options.Value.DisableAfter;
        var isHopeless = limit > TimeSpan.Zero && webhook.FailingSince <= clock.GetUtcNow() - limit;
        if (!webhook.IsEnabled || !(attempt.IsGone || isHopeless))
            return;
        webhook.IsEnabled = false;
        webhook.DisabledReason = attempt.IsGone ? "The receiver answered 410: it wants no more events."
            : $"No event has reached the receiver since {webhook.FailingSince:yyyy-MM-dd'T'HH:mm:ss'Z'}.";
        await db.AbortPendingAsync(webhook.Id, cancellationToken);
        events.Record(EventTypes.WebhookDisabled, new SubjectProfile(webhook.Id.Value, SubjectKind.ServiceKey, "Updraft"), webhook.Place(), webhook.Target(),
            ("reason", webhook.DisabledReason));
        LogDisabled(webhook.Id, webhook.DisabledReason);
    }

    private static double Chance() => RandomNumberGenerator.GetInt32(1 << 20) / (double)(1 << 20);

    [LoggerMessage(1, LogLevel.Information, "Event {Event} for webhook {Webhook}: {StatusCode}{Error} after {Milliseconds} ms")]
    private partial void LogAttempt(string @event, WebhookId webhook, int? statusCode, string? error, long milliseconds);

    [LoggerMessage(2, LogLevel.Warning, "Webhook {Webhook} was switched off. {Reason}")]
    private partial void LogDisabled(WebhookId webhook, string reason);

    [LoggerMessage(3, LogLevel.Error, "The secret of webhook {Webhook} cannot be read: webhooks.key is not the key with which it was written. Rotate the secret and save the address again.")]
    private partial void LogWrongKey(WebhookId webhook, Exception exception);
}
