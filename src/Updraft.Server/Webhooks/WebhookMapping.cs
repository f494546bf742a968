using Updraft.Protocol.Api;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Webhooks;

/// <summary>Maps webhooks to the API and to events.</summary>
internal static class WebhookMapping
{
    /// <summary>Purpose of an encrypted URL; see <see cref="WebhookKey.Seal"/>.</summary>
    public const string UrlPurpose = "url";

    /// <summary>The webhook in the API.</summary>
    /// <param name="row">The webhook.</param>
    /// <param name="url">The decrypted URL.</param>
    /// <param name="now">The current time.</param>
    /// <param name="secret">The secret if the response contains it; else null.</param>
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

    /// <summary>The delivery in the API.</summary>
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

    /// <summary>The scope of an event of the webhook.</summary>
    public static EventScope Scope(this Webhook row) => new(row.OrganizationId, row.WorkspaceId, row.DeploymentId);

    /// <summary>The webhook as the target of an event.</summary>
    public static EventTarget Target(this Webhook row) => new("webhook", row.Id.Value, row.Name);
}
