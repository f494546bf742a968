using Updraft.Protocol;

namespace Updraft.Server.Webhooks;

/// <summary>How far a delivery is.</summary>
internal enum DeliveryStatus
{
    /// <summary>Another attempt comes.</summary>
    Pending,

    /// <summary>The receiver has answered with a success.</summary>
    Delivered,

    /// <summary>No further attempt comes by itself.</summary>
    Failed,
}

/// <summary>One event on its way to one webhook. Its body is made once; every attempt sends the same bytes under the same id.</summary>
internal sealed class WebhookDelivery
{
    /// <summary>Most attempts that are remembered; redelivery by hand adds to them.</summary>
    private const int MostAttempts = 50;

    public required DeliveryId Id { get; init; }

    public required WebhookId WebhookId { get; init; }

    /// <summary>The header <c>webhook-id</c>: the event's.</summary>
    public required string EventId { get; init; }

    public required string EventType { get; init; }

    public DeploymentId? DeploymentId { get; init; }

    public DeployId? DeployId { get; init; }

    /// <summary>JSON.</summary>
    public required string Body { get; init; }

    public DeliveryStatus Status { get; private set; }

    /// <summary>Attempts since it began, or since somebody last wanted it to begin again.</summary>
    public int Tries { get; private set; }

    /// <summary>When the next attempt is due; while one runs, when another server may think that this one died of it.</summary>
    public required DateTimeOffset NextAt { get; set; }

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<WebhookAttempt> Attempts { get; private set; } = [];

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Writes an attempt down.</summary>
    /// <param name="attempt">How it went.</param>
    /// <param name="nextAt">When the next one is due, if it failed; null when there is none.</param>
    public void Note(WebhookAttempt attempt, DateTimeOffset? nextAt)
    {
        Attempts = [.. Attempts.TakeLast(MostAttempts - 1), attempt];
        Tries++;
        // Another server may have sent it too, and may have had more luck.
        if (Status != DeliveryStatus.Delivered)
            Status = attempt.IsSuccess ? DeliveryStatus.Delivered : nextAt is null ? DeliveryStatus.Failed : DeliveryStatus.Pending;
        NextAt = nextAt ?? attempt.At;
    }

    /// <summary>No further attempt comes.</summary>
    public void Abort() => Status = Status == DeliveryStatus.Pending ? DeliveryStatus.Failed : Status;

    /// <summary>Begins again, at once and with all tries.</summary>
    public void Repeat(DateTimeOffset now) => (Status, Tries, NextAt) = (DeliveryStatus.Pending, 0, now);
}

/// <summary>One attempt. The receiver's words are not kept: what a place inside a network answers is nobody's business outside.</summary>
/// <param name="At">When it began.</param>
/// <param name="StatusCode">The answer's status; null for none.</param>
/// <param name="Error">Why there was none, in a word.</param>
/// <param name="Milliseconds">How long it took.</param>
internal sealed record WebhookAttempt(DateTimeOffset At, int? StatusCode, string? Error, long Milliseconds)
{
    /// <summary>Whether the receiver has the event.</summary>
    public bool IsSuccess => StatusCode is >= 200 and < 300;

    /// <summary>Whether the receiver wants nothing any more: 410.</summary>
    public bool IsGone => StatusCode == StatusCodes.Status410Gone;
}
