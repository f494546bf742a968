using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Updraft.Protocol;
using Updraft.Server.Api;

namespace Updraft.Server.Events;

/// <summary>The query of the audit log as it comes: all of it text, so that an empty one counts as absent and each mistake is answered with its name.</summary>
internal sealed record AuditLogQuery
{
    private const int MaxText = 200;

    [Description("Only this type, such as deploy.finalized; without a dot all types of that kind, such as deploy.")]
    public string? Type { get; init; }

    [Description("Only what somebody did who has this in the name or id.")]
    public string? Actor { get; init; }

    [Description("Only what belongs to this Workspace.")]
    public string? WorkspaceId { get; init; }

    [Description("Only what belongs to this Deployment.")]
    public string? DeploymentId { get; init; }

    [Description("Not before this time.")]
    [DataType(DataType.DateTime)]
    public string? From { get; init; }

    [Description("Before this time.")]
    [DataType(DataType.DateTime)]
    public string? To { get; init; }

    [Description("Only events with this in the name of what was changed or in the details, whatever its case; or the id of what was changed or of the request.")]
    public string? Text { get; init; }

    /// <summary>What is looked for.</summary>
    /// <exception cref="ApiException">400: something in it cannot be read.</exception>
    public EventFilter ToFilter() => new()
    {
        Type = Line(Type, "type"),
        Actor = Line(Actor, "actor"),
        Workspace = Line(WorkspaceId, "workspaceId") is { } workspace ? new WorkspaceId(workspace) : null,
        Deployment = Line(DeploymentId, "deploymentId") is { } deployment ? new DeploymentId(deployment) : null,
        From = Time(From, "from"),
        To = Time(To, "to"),
        Text = Line(Text, "text"),
    };

    private static string? Line(string? text, string name)
    {
        if (string.IsNullOrWhiteSpace(text))
            return null;
        TextLimit.Check(text, name, MaxText);
        return text.Any(char.IsControl) ? throw ApiException.BadRequest($"'{name}' must be one line without control characters.") : text.Trim();
    }

    private static DateTimeOffset? Time(string? text, string name)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.ToUniversalTime()
            : throw ApiException.BadRequest($"'{name}' must be a time such as 2026-01-31T08:00:00Z.");
    }
}
