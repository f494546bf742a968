using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Events;

/// <summary>
/// A recorded change, with actor, time and scope. It is stored in the transaction of the change, so neither exists without the other. The
/// audit log shows events, and webhooks send events of deploys.
/// </summary>
internal sealed class Event
{
    public required EventId Id { get; init; }

    /// <summary>Time of the change. Events of one request have different times, in the order of their recording.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>One of <see cref="EventTypes"/>.</summary>
    public required string Type { get; init; }

    public required OrganizationId OrganizationId { get; init; }

    /// <summary>Null for an event of the Organization.</summary>
    public WorkspaceId? WorkspaceId { get; init; }

    /// <summary>Null for an event of a Workspace or of the Organization.</summary>
    public DeploymentId? DeploymentId { get; init; }

    /// <summary>The changed deploy, or the deploy that made the change; null for other events.</summary>
    public DeployId? DeployId { get; init; }

    public required SubjectProfile By { get; init; }

    /// <summary>The first word of <see cref="Type"/>.</summary>
    public required string TargetType { get; init; }

    public required string TargetId { get; init; }

    /// <summary>The name at the time of the change.</summary>
    public required string TargetName { get; init; }

    /// <summary>A few short texts by name; never a secret.</summary>
    public required IReadOnlyDictionary<string, string> Details { get; init; }

    /// <summary>The id of the request, which the server log contains too; null for changes without a request.</summary>
    public string? RequestId { get; init; }

    // Columns for conditions, derived from the JSON columns above. Only Entity Framework calls the setters.
    public string ActorId { get => By.Id; private set { } }

    public string ActorName { get => By.Name; private set { } }

    public string? ActorFullName { get => By.FullName; private set { } }

    /// <summary>The values of <see cref="Details"/>, one per line.</summary>
    public string DetailText { get => string.Join('\n', Details.Values); private set { } }

    /// <summary>Whether the event still waits for its webhook deliveries to be enqueued. Only events of deploys are ever pending.</summary>
    public required bool IsPending { get; set; }
}

/// <summary>The scope of a change.</summary>
/// <param name="Organization">The Organization.</param>
/// <param name="Workspace">Null for a change of the Organization.</param>
/// <param name="Deployment">Null for a change of a Workspace or of the Organization.</param>
/// <param name="Deploy">The changed deploy, or the deploy that made the change; null otherwise.</param>
internal sealed record EventScope(OrganizationId Organization, WorkspaceId? Workspace = null, DeploymentId? Deployment = null,
    DeployId? Deploy = null);

/// <summary>The changed object.</summary>
/// <param name="Type">The first word of the event type.</param>
/// <param name="Id">The id.</param>
/// <param name="Name">The name, for readers who do not know the id.</param>
internal sealed record EventTarget(string Type, string Id, string Name);
