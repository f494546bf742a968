using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Body of CreateWebhook.</summary>
public sealed record CreateWebhookRequest
{
    /// <summary>Name for users: one line of 1 to 100 characters.</summary>
    [Required, StringLength(100, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>Id of the Workspace whose events the webhook sends.</summary>
    [Required]
    public string? WorkspaceId { get; init; }

    /// <summary>Id of the only Deployment whose events the webhook sends. Default: all Deployments of the Workspace.</summary>
    public string? DeploymentId { get; init; }

    /// <summary>
    /// URL of the receiver, at most 2,048 characters. It must be an https URL, or an http URL to a host that the operator allows.
    /// </summary>
    [Required, StringLength(2048)]
    public string? Url { get; init; }

    /// <summary>
    /// Types of events to send: <c>deploy.created</c>, <c>deploy.finalized</c>, <c>deploy.active</c>, <c>deploy.failed</c> or
    /// <c>deploy.rolled_back</c>; at least one. Default: all.
    /// </summary>
    public IReadOnlyList<string>? EventTypes { get; init; }

    /// <summary><c>STANDARD</c> (default), or <c>SLACK</c> for messages to a Slack incoming webhook.</summary>
    [AllowedValues("STANDARD", "SLACK")]
    public string? Format { get; init; }
}

/// <summary>Body of UpdateWebhook, which replaces all these settings.</summary>
public sealed record UpdateWebhookRequest
{
    /// <summary>Name for users: one line of 1 to 100 characters.</summary>
    [Required, StringLength(100, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>
    /// URL of the receiver, at most 2,048 characters. It must be an https URL, or an http URL to a host that the operator allows.
    /// </summary>
    [Required, StringLength(2048)]
    public string? Url { get; init; }

    /// <summary>
    /// Types of events to send: <c>deploy.created</c>, <c>deploy.finalized</c>, <c>deploy.active</c>, <c>deploy.failed</c> or
    /// <c>deploy.rolled_back</c>; at least one. Default: all.
    /// </summary>
    public IReadOnlyList<string>? EventTypes { get; init; }

    /// <summary><c>STANDARD</c> (default), or <c>SLACK</c> for messages to a Slack incoming webhook.</summary>
    [AllowedValues("STANDARD", "SLACK")]
    public string? Format { get; init; }

    /// <summary>Whether the webhook sends events. Default: true. False also stops pending deliveries.</summary>
    public bool? IsEnabled { get; init; }
}
