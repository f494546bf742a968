using Updraft.Protocol;

namespace Updraft.Server.Webhooks;

/// <summary>State of a delivery.</summary>
internal enum DeliveryStatus
{
    /// <summary>Another attempt will follow.</summary>
    Pending,

    /// <summary>The receiver responded with a success.</summary>
    Delivered,

    /// <summary>No further attempt will follow, unless a user sends the event again.</summary>
    Failed,
}

/// <summary>One event for one webhook. All attempts send the same bytes with the same ID.</summary>
internal sealed class WebhookDelivery
{
    /// <summary>Maximum number of stored attempts. A manual repetition adds attempts.</summary>
    private const int MaxStoredAttempts = 50;

    public required DeliveryId Id { get; init; }

    public required WebhookId WebhookId { get; init; }

    /// <summary>ID of the event, which is the header <c>webhook-id</c>.</summary>
    public required string EventId { get; init; }

    public required string EventType { get; init; }

    public DeploymentId? DeploymentId { get; init; }

    public DeployId? DeployId { get; init; }

    /// <summary>JSON.</summary>
    public required string Body { get; init; }

    public DeliveryStatus Status { get; private set; }

    /// <summary>Number of attempts since the creation or the last manual repetition.</summary>
    public int Tries { get; private set; }

    /// <summary>
    /// Due time of the next attempt. During an attempt, it is the end of the claim, after which another replica sends the delivery.
    /// </summary>
    public required DateTimeOffset NextAt { get; set; }

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<WebhookAttempt> Attempts { get; private set; } = [];

    public required DateTimeOffset CreatedAt { get; init; }

    /// <param name="attempt">The attempt.</param>
    /// <param name="nextAt">Due time of the next attempt if this one failed; null if it was the last one.</param>
    public void Record(WebhookAttempt attempt, DateTimeOffset? nextAt)
    {
        Attempts = [.. Attempts.TakeLast(MaxStoredAttempts - 1), attempt];
        Tries++;
        // Another replica may have sent the delivery too, with success.
        if (Status != DeliveryStatus.Delivered)
            Status = attempt.IsSuccess ? DeliveryStatus.Delivered : nextAt is null ? DeliveryStatus.Failed : DeliveryStatus.Pending;
        NextAt = nextAt ?? attempt.At;
    }

    /// <summary>Stops all further attempts.</summary>
    public void Abort() => Status = Status == DeliveryStatus.Pending ? DeliveryStatus.Failed : Status;

    /// <summary>Makes the delivery due immediately, with the full number of attempts.</summary>
    public void Repeat(DateTimeOffset now) => (Status, Tries, NextAt) = (DeliveryStatus.Pending, 0, now);
}

/// <summary>
/// One attempt. It stores no text of the response, because the response of a host in a private network may be confidential.
/// </summary>
/// <param name="At">Start of the attempt.</param>
/// <param name="StatusCode">Status of the response; null if there was none.</param>
/// <param name="Error">Why there was no response, in one word: a constant of <see cref="WebhookClient"/>; else null.</param>
/// <param name="Milliseconds">Duration in milliseconds.</param>
internal sealed record WebhookAttempt(DateTimeOffset At, int? StatusCode, string? Error, long Milliseconds)
{
    /// <summary>Whether the receiver accepted the event.</summary>
    public bool IsSuccess => StatusCode is >= 200 and < 300;

    /// <summary>Whether the receiver ended the subscription with a 410.</summary>
    public bool IsGone => StatusCode == StatusCodes.Status410Gone;
}
