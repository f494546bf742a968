namespace Updraft.Protocol.Api;

/// <summary>A recorded change: who changed which object, and when.</summary>
public sealed record AuditEventResponse
{
    /// <summary>Id of the event.</summary>
    public required string Id { get; init; }

    /// <summary>Time of the change, in UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>
    /// Type of the event, such as <c>deploy.finalized</c>. The part before the dot is the type of the changed object.
    /// </summary>
    public required string Type { get; init; }

    /// <summary>User, token or agent that made the change.</summary>
    public required SubjectProfileResponse By { get; init; }

    /// <summary>Type of the changed object, such as <c>deploy</c> or <c>token</c>.</summary>
    public required string TargetType { get; init; }

    /// <summary>Id of the changed object.</summary>
    public required string TargetId { get; init; }

    /// <summary>Name of the changed object at that time.</summary>
    public required string TargetName { get; init; }

    /// <summary>Id of the Organization.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>Id of the Workspace to which the object belongs; absent for objects of the Organization.</summary>
    public string? WorkspaceId { get; init; }

    /// <summary>Id of the Deployment to which the object belongs; absent for objects of a Workspace or the Organization.</summary>
    public string? DeploymentId { get; init; }

    /// <summary>Id of the deploy that was changed, or that the change created; absent otherwise.</summary>
    public string? DeployId { get; init; }

    /// <summary>
    /// More facts by name, such as <c>changed</c>, <c>roles</c>, <c>reason</c> or <c>revision</c>. At most 500 characters each.
    /// Never a secret.
    /// </summary>
    public required IReadOnlyDictionary<string, string> Details { get; init; }

    /// <summary>Id of the request that made the change, as in the server's log; absent for background work.</summary>
    public string? RequestId { get; init; }
}

/// <summary>A page of the audit log, newest first.</summary>
public sealed record AuditEventsPaginated
{
    /// <summary>Events on this page, newest first.</summary>
    public required IReadOnlyList<AuditEventResponse> Events { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of matching events on all pages.</summary>
    public required long TotalCount { get; init; }
}
