using Updraft.Protocol;

namespace Updraft.Server.Security;

/// <summary>A role and its scope: the Organization, a Workspace, or a Deployment.</summary>
internal sealed class Grant
{
    /// <summary>ID of the scope. A user or token has at most one role for each scope.</summary>
    public required string EntityId { get; init; }

    public required Role Role { get; set; }

    /// <summary>Set for roles of a Workspace, and of a Deployment in it.</summary>
    public WorkspaceId? WorkspaceId { get; init; }

    /// <summary>Set for roles of a Deployment.</summary>
    public DeploymentId? DeploymentId { get; init; }

    /// <summary>Whether the claims of a sign-in granted the role. The next sign-in can remove it again.</summary>
    public bool IsFromClaims { get; set; }

    /// <summary>A role for the Organization, for a Workspace, or for a Deployment and its Workspace.</summary>
    public static Grant For(Role role, OrganizationId organization, WorkspaceId? workspace, DeploymentId? deployment) => new()
    {
        EntityId = deployment?.Value ?? workspace?.Value ?? organization.Value,
        Role = role,
        WorkspaceId = workspace,
        DeploymentId = deployment,
    };

    /// <summary>Whether the scope of the grant is the given one, or one that contains it.</summary>
    public bool Contains(WorkspaceId? workspace, DeploymentId? deployment) =>
        (WorkspaceId is null || WorkspaceId == workspace) && (DeploymentId is null || DeploymentId == deployment);

    /// <summary>
    /// Whether the scope of the grant is the given one, contains it, or lies inside it. With a role inside a scope, a caller reaches the
    /// URL of the scope; the route then returns only resources that the grants cover.
    /// </summary>
    public bool Touches(WorkspaceId? workspace, DeploymentId? deployment) =>
        (WorkspaceId is null || workspace is null || WorkspaceId == workspace)
        && (DeploymentId is null || deployment is null || DeploymentId == deployment);
}

/// <summary>The scopes in which a subject holds a permission, for the queries of lists.</summary>
/// <param name="IsEverywhere">Whether the scope is the whole Organization.</param>
/// <param name="Workspaces">Workspaces, with all their Deployments.</param>
/// <param name="Deployments">Single Deployments.</param>
/// <param name="AroundDeployments">The Workspaces that contain <paramref name="Deployments"/>.</param>
internal sealed record Reach(bool IsEverywhere, List<WorkspaceId> Workspaces, List<DeploymentId> Deployments,
    List<WorkspaceId> AroundDeployments)
{
    /// <summary>Whether the scope of a grant lies within these scopes.</summary>
    public bool Covers(Grant grant) => IsEverywhere || (grant.WorkspaceId is { } workspace && Workspaces.Contains(workspace))
        || (grant.DeploymentId is { } deployment && Deployments.Contains(deployment));
}
