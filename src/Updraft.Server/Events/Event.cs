using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Events;

/// <summary>
/// Something that was changed: by whom, when, where. Written in the transaction of the change, so that there is never one without the other;
/// the audit log shows it, and webhooks tell of those that are pending.
/// </summary>
internal sealed class Event
{
    public required EventId Id { get; init; }

    /// <summary>When. Events of one request are in the order in which they were recorded.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>One of <see cref="EventTypes"/>.</summary>
    public required string Type { get; init; }

    public required OrganizationId OrganizationId { get; init; }

    /// <summary>The Workspace of what was changed; null for what belongs to the Organization.</summary>
    public WorkspaceId? WorkspaceId { get; init; }

    /// <summary>The Deployment of what was changed; null for what belongs to a Workspace or the Organization.</summary>
    public DeploymentId? DeploymentId { get; init; }

    /// <summary>The deploy, when it is one or made one.</summary>
    public DeployId? DeployId { get; init; }

    public required SubjectProfile By { get; init; }

    /// <summary>What kind of thing was changed, as the first word of the type.</summary>
    public required string TargetType { get; init; }

    public required string TargetId { get; init; }

    /// <summary>Its name at that time.</summary>
    public required string TargetName { get; init; }

    /// <summary>What a reader wants to know beside: a few short texts by name. Never a secret.</summary>
    public required IReadOnlyDictionary<string, string> Details { get; init; }

    /// <summary>The request that did it, as the server's log names it; null when it was none.</summary>
    public string? RequestId { get; init; }

    // Columns for conditions, derived from the JSON columns above. Only Entity Framework calls the setters.
    public string ActorId { get => By.Id; private set { } }

    public string ActorName { get => By.Name; private set { } }

    public string? ActorFullName { get => By.FullName; private set { } }

    /// <summary>The values of <see cref="Details"/>, one per line, without NUL, which PostgreSQL does not store.</summary>
    public string DetailText { get => string.Join('\n', Details.Values).Replace("\0", "", StringComparison.Ordinal); private set { } }

    /// <summary>Whether nobody has looked yet to whom it is to be told. Only events of deploys ever are.</summary>
    public required bool IsPending { get; set; }
}

/// <summary>Where something was changed.</summary>
/// <param name="Organization">The Organization.</param>
/// <param name="Workspace">The Workspace; null for what belongs to the Organization.</param>
/// <param name="Deployment">The Deployment; null for what belongs to a Workspace or the Organization.</param>
/// <param name="Deploy">The deploy, when it is one or made one.</param>
internal sealed record EventScope(OrganizationId Organization, WorkspaceId? Workspace = null, DeploymentId? Deployment = null, DeployId? Deploy = null);

/// <summary>What was changed.</summary>
/// <param name="Type">Its kind, as the first word of the event's type.</param>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name, for a reader who does not know the id.</param>
internal sealed record EventTarget(string Type, string Id, string Name);
