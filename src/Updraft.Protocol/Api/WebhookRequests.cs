using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Body of creating a webhook.</summary>
public sealed record CreateWebhookRequest
{
    /// <summary>1 to 100 characters.</summary>
    [Required, StringLength(100, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>The Workspace whose events are sent.</summary>
    [Required]
    public string? WorkspaceId { get; init; }

    /// <summary>The one Deployment whose events are sent; all of the Workspace when absent.</summary>
    public string? DeploymentId { get; init; }

    /// <summary>Where events are sent: https, or http where the operator allows it.</summary>
    [Required, StringLength(2048)]
    public string? Url { get; init; }

    /// <summary>Which events are sent; all when absent.</summary>
    public IReadOnlyList<string>? EventTypes { get; init; }

    /// <summary><c>STANDARD</c>, or <c>SLACK</c> for messages to a Slack incoming webhook; <c>STANDARD</c> when absent.</summary>
    [AllowedValues("STANDARD", "SLACK")]
    public string? Format { get; init; }
}

/// <summary>Body of changing a webhook: everything that can change is replaced.</summary>
public sealed record UpdateWebhookRequest
{
    /// <summary>1 to 100 characters.</summary>
    [Required, StringLength(100, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>Where events are sent: https, or http where the operator allows it.</summary>
    [Required, StringLength(2048)]
    public string? Url { get; init; }

    /// <summary>Which events are sent; all when absent.</summary>
    public IReadOnlyList<string>? EventTypes { get; init; }

    /// <summary><c>STANDARD</c> or <c>SLACK</c>; <c>STANDARD</c> when absent.</summary>
    [AllowedValues("STANDARD", "SLACK")]
    public string? Format { get; init; }

    /// <summary>Whether events are sent; true when absent.</summary>
    public bool? IsEnabled { get; init; }
}
