using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>All roles of a user or token.</summary>
public sealed record SubjectRolesResponse
{
    /// <summary>Role for the whole Organization; absent when there is none.</summary>
    public string? OrganizationRole { get; init; }

    /// <summary>Roles for Workspaces.</summary>
    public IReadOnlyList<WorkspaceRole> WorkspaceRoles { get; init; } = [];

    /// <summary>Roles for Deployments.</summary>
    public IReadOnlyList<DeploymentRole> DeploymentRoles { get; init; } = [];
}

/// <summary>A role for a Workspace, in requests and answers.</summary>
public sealed record WorkspaceRole
{
    /// <summary>The Workspace.</summary>
    [Required]
    public string? WorkspaceId { get; init; }

    /// <summary>The role.</summary>
    [Required, AllowedValues("WORKSPACE_OWNER", "WORKSPACE_OPERATOR", "WORKSPACE_AUTHOR", "WORKSPACE_MEMBER")]
    public string? Role { get; init; }
}

/// <summary>A role for a Deployment, in requests and answers.</summary>
public sealed record DeploymentRole
{
    /// <summary>The Deployment.</summary>
    [Required]
    public string? DeploymentId { get; init; }

    /// <summary>The role.</summary>
    [Required]
    public string? Role { get; init; }
}
