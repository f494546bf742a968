using System.Text.Json;
using System.Text.Json.Serialization;
using Updraft.Protocol.Api;

namespace Updraft.Server.Webhooks;

/// <summary>
/// The request body in the standard format; <c>docs/reference/events.md</c> describes the fields. The JSON omits fields without a value.
/// </summary>
internal sealed record WebhookPayload
{
    public required string Type { get; init; }

    /// <summary>Time of the event.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    public required WebhookPayloadContent Data { get; init; }
}

internal sealed record WebhookPayloadContent
{
    public required WebhookResource Organization { get; init; }

    public required WebhookResource Workspace { get; init; }

    public WebhookResource? Deployment { get; init; }

    public WebhookDeploy? Deploy { get; init; }

    /// <summary>The subject that caused the event; for <c>deploy.active</c>, the last agent that activated the deploy.</summary>
    public required SubjectProfileResponse By { get; init; }

    public DeployGitBlock? Git { get; init; }

    /// <summary>The image of the revision; null before the finalize.</summary>
    public WebhookImage? Image { get; init; }

    /// <summary>All bundle versions of the revision; null before the finalize.</summary>
    public IReadOnlyList<WebhookVersion>? Versions { get; init; }

    public WebhookLinks? Links { get; init; }

    /// <summary>Text of a test event.</summary>
    public string? Message { get; init; }
}

internal sealed record WebhookResource(string Id, string? Name);

internal sealed record WebhookDeploy
{
    public required string Id { get; init; }

    public required string Type { get; init; }

    /// <summary>Status of the deploy at the time of the event.</summary>
    public required string Status { get; init; }

    /// <summary>Reason of a failure.</summary>
    public string? StatusReason { get; init; }

    public string? Description { get; init; }

    public long? Revision { get; init; }

    public string? RollbackFromId { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfileResponse CreatedBy { get; init; }
}

internal sealed record WebhookImage(string Repository, string Tag, string? Digest);

internal sealed record WebhookVersion(string Path, string MountPath, string Version);

internal sealed record WebhookLinks(string Deployment, string Deploy);

/// <summary>
/// JSON options of request bodies. They escape all characters that are not ASCII, so that receivers with another encoding read the
/// same text.
/// </summary>
internal static class WebhookJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new UtcTimeConverter() },
    };
}
