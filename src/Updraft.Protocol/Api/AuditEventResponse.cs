namespace Updraft.Protocol.Api;

/// <summary>Something that was changed.</summary>
public sealed record AuditEventResponse
{
    /// <summary>The id.</summary>
    public required string Id { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What, such as <c>deploy.finalized</c>; its first word is the kind of the target.</summary>
    public required string Type { get; init; }

    /// <summary>Who did it.</summary>
    public required SubjectProfileResponse By { get; init; }

    /// <summary>What kind of thing was changed.</summary>
    public required string TargetType { get; init; }

    /// <summary>Id of what was changed.</summary>
    public required string TargetId { get; init; }

    /// <summary>Its name at that time.</summary>
    public required string TargetName { get; init; }

    /// <summary>The Organization.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>The Workspace to which it belongs; absent for what belongs to the Organization.</summary>
    public string? WorkspaceId { get; init; }

    /// <summary>The Deployment to which it belongs; absent for what belongs to a Workspace or the Organization.</summary>
    public string? DeploymentId { get; init; }

    /// <summary>The deploy, when it is one or made one.</summary>
    public string? DeployId { get; init; }

    /// <summary>What else there is to say, by name; never a secret.</summary>
    public required IReadOnlyDictionary<string, string> Details { get; init; }

    /// <summary>Id of the request that did it, as the server's log has it; absent when it was none.</summary>
    public string? RequestId { get; init; }
}

/// <summary>A page of the audit log, newest first.</summary>
public sealed record AuditEventsPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<AuditEventResponse> Events { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>How many match on all pages.</summary>
    public required long TotalCount { get; init; }
}
