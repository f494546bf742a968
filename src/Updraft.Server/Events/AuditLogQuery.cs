using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Updraft.Protocol;
using Updraft.Server.Api;

namespace Updraft.Server.Events;

/// <summary>
/// The query of the audit log as text. So an empty value counts as absent, and the error about an invalid value names the parameter.
/// </summary>
internal sealed record AuditLogQuery
{
    private const int MaxText = 200;

    [Description("A type, such as deploy.finalized, or the first word of types, such as deploy.")]
    public string? Type { get; init; }

    [Description("A part of the name of the user or token, in upper or lower case, or the whole id.")]
    public string? Actor { get; init; }

    [Description("Only events of this Workspace.")]
    public string? WorkspaceId { get; init; }

    [Description("Only events of this Deployment.")]
    public string? DeploymentId { get; init; }

    [Description("Only events at or after this time.")]
    [DataType(DataType.DateTime)]
    public string? From { get; init; }

    [Description("Only events before this time.")]
    [DataType(DataType.DateTime)]
    public string? To { get; init; }

    [Description("A part of the name of the changed object or of the details, in upper or lower case; or the whole id of the object "
        + "or request.")]
    public string? Text { get; init; }

    /// <exception cref="ApiException">400: a parameter is invalid.</exception>
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
        return text.Any(char.IsControl)
            ? throw ApiException.BadRequest($"'{name}' must be one line without control characters.")
            : text.Trim();
    }

    private static DateTimeOffset? Time(string? text, string name)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.ToUniversalTime()
            : throw ApiException.BadRequest($"'{name}' is '{ApiException.Shorten(text)}'; it must be a time such as 2026-01-31T08:00:00Z.");
    }
}
