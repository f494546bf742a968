using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Webhooks;

/// <summary>Format of the request body.</summary>
internal enum WebhookFormat
{
    /// <summary>The event as JSON, as in the Standard Webhooks specification.</summary>
    Standard,

    /// <summary>A message for an incoming webhook of Slack.</summary>
    Slack,
}

/// <summary>A URL that receives the events of a Workspace, or of one Deployment in it.</summary>
internal sealed class Webhook
{
    public required WebhookId Id { get; init; }

    public required OrganizationId OrganizationId { get; init; }

    public required WorkspaceId WorkspaceId { get; init; }

    /// <summary>The only Deployment whose events the webhook sends; null for all Deployments of the Workspace.</summary>
    public DeploymentId? DeploymentId { get; init; }

    public required string Name { get; set; }

    /// <summary>The URL, encrypted by <see cref="WebhookKey"/>, because the URL of a Slack webhook is a secret.</summary>
    public required byte[] Url { get; set; }

    /// <summary>Values of <see cref="WebhookEvents.All"/>.</summary>
    public required IReadOnlyList<string> EventTypes { get; set; }

    public required WebhookFormat Format { get; set; }

    /// <summary>The secret that signs requests, encrypted.</summary>
    public required byte[] Secret { get; set; }

    /// <summary>The previous secret, encrypted. The server also signs with it until <see cref="PreviousSecretEndsAt"/>.</summary>
    public byte[]? PreviousSecret { get; set; }

    public DateTimeOffset? PreviousSecretEndsAt { get; set; }

    public required bool IsEnabled { get; set; }

    /// <summary>Why the server disabled the webhook; null if it is enabled, or if a user disabled it.</summary>
    public string? DisabledReason { get; set; }

    /// <summary>Time of the first failed attempt after the last successful one; null if the last attempt succeeded.</summary>
    public DateTimeOffset? FailingSince { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfile CreatedBy { get; init; }

    public required DateTimeOffset UpdatedAt { get; set; }

    public required SubjectProfile UpdatedBy { get; set; }
}
