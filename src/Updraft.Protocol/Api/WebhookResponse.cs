using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A webhook. Fields without a value are absent.</summary>
public sealed record WebhookResponse
{
    /// <summary>Id of the webhook.</summary>
    public required string Id { get; init; }

    /// <summary>Name for users, 1 to 100 characters.</summary>
    public required string Name { get; init; }

    /// <summary>Id of the Organization.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>Id of the Workspace whose events the webhook sends.</summary>
    public required string WorkspaceId { get; init; }

    /// <summary>Id of the only Deployment whose events the webhook sends; absent for all Deployments of the Workspace.</summary>
    public string? DeploymentId { get; init; }

    /// <summary>URL of the receiver.</summary>
    public required string Url { get; init; }

    /// <summary>Types of events that the webhook sends, such as <c>deploy.active</c>.</summary>
    public required IReadOnlyList<string> EventTypes { get; init; }

    /// <summary><c>STANDARD</c>, or <c>SLACK</c> for messages to a Slack incoming webhook.</summary>
    [AllowedValues("STANDARD", "SLACK")]
    public required string Format { get; init; }

    /// <summary>Whether the webhook sends events.</summary>
    public required bool IsEnabled { get; init; }

    /// <summary>Reason why the server disabled the webhook; absent if it did not.</summary>
    public string? DisabledReason { get; init; }

    /// <summary>
    /// Time of the first of the failed attempts since the last success, in UTC; absent if the last attempt succeeded.
    /// </summary>
    public DateTimeOffset? FailingSince { get; init; }

    /// <summary>Secret that signs events, beginning with <c>whsec_</c>. Only in responses that create or rotate a secret.</summary>
    public string? Secret { get; init; }

    /// <summary>Time until which the previous secret signs events too, in UTC; absent if there is none.</summary>
    public DateTimeOffset? PreviousSecretEndsAt { get; init; }

    /// <summary>Time of creation, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>User or token that created the webhook.</summary>
    public SubjectProfileResponse? CreatedBy { get; init; }

    /// <summary>Time of the last change, in UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>User or token that made the last change.</summary>
    public SubjectProfileResponse? UpdatedBy { get; init; }
}

/// <summary>A page of webhooks.</summary>
public sealed record WebhooksPaginated
{
    /// <summary>Webhooks on this page, without secrets.</summary>
    public required IReadOnlyList<WebhookResponse> Webhooks { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of matching webhooks on all pages.</summary>
    public required long TotalCount { get; init; }
}

/// <summary>Delivery of one event to one webhook, with its attempts.</summary>
public sealed record WebhookDeliveryResponse
{
    /// <summary>Id of the delivery.</summary>
    public required string Id { get; init; }

    /// <summary>Id of the event, which each attempt sends in the header <c>webhook-id</c>.</summary>
    public required string EventId { get; init; }

    /// <summary>Type of the event, such as <c>deploy.finalized</c>.</summary>
    public required string EventType { get; init; }

    /// <summary>Id of the Deployment of the event; absent for a test.</summary>
    public string? DeploymentId { get; init; }

    /// <summary>Id of the deploy of the event; absent for a test.</summary>
    public string? DeployId { get; init; }

    /// <summary><c>PENDING</c>, <c>DELIVERED</c>, or <c>FAILED</c> after the last attempt.</summary>
    [AllowedValues("PENDING", "DELIVERED", "FAILED")]
    public required string Status { get; init; }

    /// <summary>Time of the next attempt, in UTC; absent if there is none.</summary>
    public DateTimeOffset? NextAttemptAt { get; init; }

    /// <summary>The last 50 attempts at most, oldest first.</summary>
    public required IReadOnlyList<WebhookAttemptResponse> Attempts { get; init; }

    /// <summary>Time at which the server queued the event for this webhook, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>One attempt to deliver an event.</summary>
public sealed record WebhookAttemptResponse
{
    /// <summary>Start of the attempt in UTC, which the header <c>webhook-timestamp</c> has in seconds since 1970.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>HTTP status of the receiver's response; absent if there was none.</summary>
    public int? StatusCode { get; init; }

    /// <summary>
    /// Reason why there was no response: <c>TIMEOUT</c>, <c>REFUSED_ADDRESS</c>, <c>NAME</c>, <c>CONNECTION</c>, <c>TLS</c> or
    /// <c>KEY</c>. Absent otherwise.
    /// </summary>
    public string? Error { get; init; }

    /// <summary>Duration of the attempt in milliseconds.</summary>
    public required long Milliseconds { get; init; }
}

/// <summary>A page of deliveries, newest first.</summary>
public sealed record WebhookDeliveriesPaginated
{
    /// <summary>Deliveries on this page, newest first.</summary>
    public required IReadOnlyList<WebhookDeliveryResponse> Deliveries { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of deliveries of the webhook on all pages.</summary>
    public required long TotalCount { get; init; }
}
