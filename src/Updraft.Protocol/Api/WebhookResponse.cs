using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A webhook as the API shows it. What is absent is null and left out.</summary>
public sealed record WebhookResponse
{
    /// <summary>Id of the webhook.</summary>
    public required string Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The Organization to which it belongs.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>The Workspace whose events it sends.</summary>
    public required string WorkspaceId { get; init; }

    /// <summary>The one Deployment whose events it sends; null for all of the Workspace.</summary>
    public string? DeploymentId { get; init; }

    /// <summary>Where events are sent.</summary>
    public required string Url { get; init; }

    /// <summary>Which events are sent.</summary>
    public required IReadOnlyList<string> EventTypes { get; init; }

    /// <summary><c>STANDARD</c> or <c>SLACK</c>.</summary>
    [AllowedValues("STANDARD", "SLACK")]
    public required string Format { get; init; }

    /// <summary>Whether events are sent.</summary>
    public required bool IsEnabled { get; init; }

    /// <summary>Why it was switched off by the server; null otherwise.</summary>
    public string? DisabledReason { get; init; }

    /// <summary>Since when every attempt has failed; null when the last one did not.</summary>
    public DateTimeOffset? FailingSince { get; init; }

    /// <summary>The secret that signs: only in the answers that make one, and kept nowhere in plain text.</summary>
    public string? Secret { get; init; }

    /// <summary>Until when the secret before the present one signs along; null when there is none.</summary>
    public DateTimeOffset? PreviousSecretEndsAt { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who created it.</summary>
    public SubjectProfileResponse? CreatedBy { get; init; }

    /// <summary>When it was last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Who last changed it.</summary>
    public SubjectProfileResponse? UpdatedBy { get; init; }
}

/// <summary>A page of webhooks.</summary>
public sealed record WebhooksPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<WebhookResponse> Webhooks { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of all webhooks.</summary>
    public required long TotalCount { get; init; }
}

/// <summary>An event on its way to one webhook.</summary>
public sealed record WebhookDeliveryResponse
{
    /// <summary>Id of the delivery.</summary>
    public required string Id { get; init; }

    /// <summary>Id of the event: the header <c>webhook-id</c> of every attempt.</summary>
    public required string EventId { get; init; }

    /// <summary>What happened, e.g. <c>deploy.finalized</c>.</summary>
    public required string EventType { get; init; }

    /// <summary>The Deployment to which it happened; null for a test.</summary>
    public string? DeploymentId { get; init; }

    /// <summary>The deploy that it is about; null for a test.</summary>
    public string? DeployId { get; init; }

    /// <summary><c>PENDING</c>, <c>DELIVERED</c> or <c>FAILED</c>.</summary>
    [AllowedValues("PENDING", "DELIVERED", "FAILED")]
    public required string Status { get; init; }

    /// <summary>When the next attempt is due; null when there is none.</summary>
    public DateTimeOffset? NextAttemptAt { get; init; }

    /// <summary>Every attempt, oldest first; at most the last 50.</summary>
    public required IReadOnlyList<WebhookAttemptResponse> Attempts { get; init; }

    /// <summary>When the event was taken up for this webhook.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>One attempt to deliver an event.</summary>
public sealed record WebhookAttemptResponse
{
    /// <summary>When it began: the header <c>webhook-timestamp</c>.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The status that the receiver answered; null when there was no answer.</summary>
    public int? StatusCode { get; init; }

    /// <summary>Why there was no answer, in a word: <c>TIMEOUT</c>, <c>REFUSED_ADDRESS</c>, <c>NAME</c>, <c>CONNECTION</c> or <c>TLS</c>.</summary>
    public string? Error { get; init; }

    /// <summary>How long it took, in milliseconds.</summary>
    public required long Milliseconds { get; init; }
}

/// <summary>A page of deliveries, newest first.</summary>
public sealed record WebhookDeliveriesPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<WebhookDeliveryResponse> Deliveries { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of all deliveries.</summary>
    public required long TotalCount { get; init; }
}
