using Updraft.Protocol.Api;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Webhooks;

/// <summary>Entity to wire, and to what an event tells of.</summary>
internal static class WebhookMapping
{
    /// <summary>What <see cref="WebhookKey"/> seals an address for.</summary>
    public const string UrlPurpose = "url";

    /// <summary>The webhook as the API shows it.</summary>
    /// <param name="row">The webhook.</param>
    /// <param name="url">Its address.</param>
    /// <param name="now">The time.</param>
    /// <param name="secret">The secret, where it is shown.</param>
    public static WebhookResponse ToResponse(this Webhook row, string url, DateTimeOffset now, string? secret = null) => new()
    {
        Id = row.Id.Value,
        Name = row.Name,
        OrganizationId = row.OrganizationId.Value,
        WorkspaceId = row.WorkspaceId.Value,
        DeploymentId = row.DeploymentId?.Value,
        Url = url,
        EventTypes = row.EventTypes,
        Format = row.Format.ToString().ToUpperInvariant(),
        IsEnabled = row.IsEnabled,
        DisabledReason = row.DisabledReason,
        FailingSince = row.FailingSince,
        Secret = secret,
        PreviousSecretEndsAt = row.PreviousSecretEndsAt > now ? row.PreviousSecretEndsAt : null,
        CreatedAt = row.CreatedAt,
        CreatedBy = row.CreatedBy.ToResponse(),
        UpdatedAt = row.UpdatedAt,
        UpdatedBy = row.UpdatedBy.ToResponse(),
    };

    /// <summary>The delivery as the API shows it.</summary>
    public static WebhookDeliveryResponse ToResponse(this WebhookDelivery row) => new()
    {
        Id = row.Id.Value,
        EventId = row.EventId,
        EventType = row.EventType,
        DeploymentId = row.DeploymentId?.Value,
        DeployId = row.DeployId?.Value,
        Status = row.Status.ToString().ToUpperInvariant(),
        NextAttemptAt = row.Status == DeliveryStatus.Pending ? row.NextAt : null,
        Attempts = [.. row.Attempts.Select(attempt => new WebhookAttemptResponse
        {
            At = attempt.At,
            StatusCode = attempt.StatusCode,
            Error = attempt.Error,
            Milliseconds = attempt.Milliseconds,
        })],
        CreatedAt = row.CreatedAt,
    };

    /// <summary>The webhook's place, for an event.</summary>
    public static EventScope Place(this Webhook row) => new(row.OrganizationId, row.WorkspaceId, row.DeploymentId);

    /// <summary>The webhook as what an event tells of.</summary>
    public static EventTarget Target(this Webhook row) => new("webhook", row.Id.Value, row.Name);
}
