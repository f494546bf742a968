using Updraft.Protocol;

namespace Updraft.Server.Security;

/// <summary>A role and the place for which it is given: the Organization, a Workspace, or a Deployment.</summary>
internal sealed class Grant
{
    /// <summary>Id of the place; nobody has two roles for one place.</summary>
    public required string EntityId { get; init; }

    public required Role Role { get; set; }

    /// <summary>Set for roles of a Workspace, and of a Deployment in it.</summary>
    public WorkspaceId? WorkspaceId { get; init; }

    /// <summary>Set for roles of a Deployment.</summary>
    public DeploymentId? DeploymentId { get; init; }

    /// <summary>Whether it comes from the claims of a sign-in, which decide about it again at the next one.</summary>
    public bool IsFromClaims { get; set; }

    /// <summary>Gives a role for a place, which is the Organization unless a Workspace or both are named.</summary>
    public static Grant For(Role role, OrganizationId organization, WorkspaceId? workspace, DeploymentId? deployment) => new()
    {
        EntityId = deployment?.Value ?? workspace?.Value ?? organization.Value,
        Role = role,
        WorkspaceId = workspace,
        DeploymentId = deployment,
    };

    /// <summary>Whether the grant counts for everything in a place: it is given for that place or for one around it.</summary>
    public bool Contains(WorkspaceId? workspace, DeploymentId? deployment) =>
        (WorkspaceId is null || WorkspaceId == workspace) && (DeploymentId is null || DeploymentId == deployment);

    /// <summary>
    /// Whether the grant lies on the way through a place: around it, at it or inside it. Who has a role inside a place gets to its
    /// address; the route shows what the grants cover.
    /// </summary>
    public bool Touches(WorkspaceId? workspace, DeploymentId? deployment) =>
        (WorkspaceId is null || workspace is null || WorkspaceId == workspace)
        && (DeploymentId is null || deployment is null || DeploymentId == deployment);
}

/// <summary>Where a subject holds a permission, for the queries of lists.</summary>
/// <param name="IsEverywhere">In the whole Organization.</param>
/// <param name="Workspaces">In these Workspaces with all that is in them.</param>
/// <param name="Deployments">In these Deployments alone.</param>
/// <param name="AroundDeployments">The Workspaces in which <paramref name="Deployments"/> lie.</param>
internal sealed record Reach(bool IsEverywhere, List<WorkspaceId> Workspaces, List<DeploymentId> Deployments,
    List<WorkspaceId> AroundDeployments)
{
    /// <summary>Whether a place lies within.</summary>
    public bool Covers(Grant place) => IsEverywhere || (place.WorkspaceId is { } workspace && Workspaces.Contains(workspace))
        || (place.DeploymentId is { } deployment && Deployments.Contains(deployment));
}
