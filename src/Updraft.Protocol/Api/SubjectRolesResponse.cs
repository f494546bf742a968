using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>All roles of a user or token.</summary>
public sealed record SubjectRolesResponse
{
    /// <summary>Role for the Organization; absent if there is none.</summary>
    public string? OrganizationRole { get; init; }

    /// <summary>Roles for Workspaces. Without any, it is empty, and absent under <c>/iam/v1beta1</c>.</summary>
    public IReadOnlyList<WorkspaceRole>? WorkspaceRoles { get; init; }

    /// <summary>Roles for Deployments. Without any, it is empty, and absent under <c>/iam/v1beta1</c>.</summary>
    public IReadOnlyList<DeploymentRole>? DeploymentRoles { get; init; }
}

/// <summary>A role for a Workspace, in requests and responses.</summary>
public sealed record WorkspaceRole
{
    /// <summary>Id of the Workspace.</summary>
    [Required]
    public string? WorkspaceId { get; init; }

    /// <summary>Name of the role, such as <c>WORKSPACE_AUTHOR</c>.</summary>
    [Required, AllowedValues("WORKSPACE_OWNER", "WORKSPACE_OPERATOR", "WORKSPACE_AUTHOR", "WORKSPACE_MEMBER")]
    public string? Role { get; init; }
}

/// <summary>A role for a Deployment, in requests and responses.</summary>
public sealed record DeploymentRole
{
    /// <summary>Id of the Deployment.</summary>
    [Required]
    public string? DeploymentId { get; init; }

    /// <summary>Name of the role: <c>DEPLOYMENT_ADMIN</c>.</summary>
    [Required]
    public string? Role { get; init; }
}
