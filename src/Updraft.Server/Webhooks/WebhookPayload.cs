using System.Text.Json;
using System.Text.Json.Serialization;
using Updraft.Protocol.Api;

namespace Updraft.Server.Webhooks;

/// <summary>What is sent, in the standard format; <c>docs/reference/events.md</c> describes the fields. What is absent is left out.</summary>
internal sealed record WebhookPayload
{
    public required string Type { get; init; }

    /// <summary>When it happened.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    public required WebhookPayloadContent Data { get; init; }
}

internal sealed record WebhookPayloadContent
{
    public required WebhookResource Organization { get; init; }

    public required WebhookResource Workspace { get; init; }

    public WebhookResource? Deployment { get; init; }

    public WebhookDeploy? Deploy { get; init; }

    /// <summary>Who did it: for a rollout the agent that was the last.</summary>
    public required SubjectProfileResponse By { get; init; }

    public DeployGitBlock? Git { get; init; }

    /// <summary>The image of the revision; absent before it is known.</summary>
    public WebhookImage? Image { get; init; }

    /// <summary>Every bundle version of the revision; absent before there is one.</summary>
    public IReadOnlyList<WebhookVersion>? Versions { get; init; }

    public WebhookLinks? Links { get; init; }

    /// <summary>What a test says.</summary>
    public string? Message { get; init; }
}

internal sealed record WebhookResource(string Id, string? Name);

internal sealed record WebhookDeploy
{
    public required string Id { get; init; }

    public required string Type { get; init; }

    /// <summary>What the deploy was when it happened.</summary>
    public required string Status { get; init; }

    /// <summary>Why it has failed.</summary>
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

/// <summary>JSON of what is sent. Everything but ASCII is escaped, so that the bytes are the same whatever a receiver takes for the encoding.</summary>
internal static class WebhookJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new UtcTimeConverter() },
    };
}
