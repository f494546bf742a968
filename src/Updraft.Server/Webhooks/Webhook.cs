using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Webhooks;

/// <summary>What is sent.</summary>
internal enum WebhookFormat
{
    /// <summary>The event as JSON, as the Standard Webhooks specification has it.</summary>
    Standard,

    /// <summary>A message for an incoming webhook of Slack.</summary>
    Slack,
}

/// <summary>An address to which the events of a Workspace, or of one Deployment in it, are sent.</summary>
internal sealed class Webhook
{
    public required WebhookId Id { get; init; }

    public required OrganizationId OrganizationId { get; init; }

    public required WorkspaceId WorkspaceId { get; init; }

    /// <summary>The one Deployment whose events are sent; null for all of the Workspace.</summary>
    public DeploymentId? DeploymentId { get; init; }

    public required string Name { get; set; }

    /// <summary>Where events are sent, sealed: who knows the address of a Slack webhook may write there.</summary>
    public required byte[] Url { get; set; }

    /// <summary>Of <see cref="WebhookEvents.All"/>.</summary>
    public required IReadOnlyList<string> EventTypes { get; set; }

    public required WebhookFormat Format { get; set; }

    /// <summary>Signs what is sent; sealed.</summary>
    public required byte[] Secret { get; set; }

    /// <summary>The secret before that, sealed; it signs along until <see cref="PreviousSecretEndsAt"/>.</summary>
    public byte[]? PreviousSecret { get; set; }

    public DateTimeOffset? PreviousSecretEndsAt { get; set; }

    public required bool IsEnabled { get; set; }

    /// <summary>Why the server switched it off; null while nobody did, and after a person did.</summary>
    public string? DisabledReason { get; set; }

    /// <summary>The first attempt that failed since the last one that did not; null when that was the last.</summary>
    public DateTimeOffset? FailingSince { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfile CreatedBy { get; init; }

    public required DateTimeOffset UpdatedAt { get; set; }

    public required SubjectProfile UpdatedBy { get; set; }
}
