namespace Updraft.Protocol.Api;

/// <summary>All roles of a user or token.</summary>
public sealed record SubjectRolesResponse
{
    /// <summary>Role for the whole Organization; absent when there is none.</summary>
    public string? OrganizationRole { get; init; }

    /// <summary>Roles for Workspaces.</summary>
    public IReadOnlyList<WorkspaceRoleResponse> WorkspaceRoles { get; init; } = [];

    /// <summary>Roles for Deployments.</summary>
    public IReadOnlyList<DeploymentRoleResponse> DeploymentRoles { get; init; } = [];
}

/// <summary>A role for a Workspace.</summary>
public sealed record WorkspaceRoleResponse
{
    /// <summary>The Workspace.</summary>
    public required string WorkspaceId { get; init; }

    /// <summary>The role.</summary>
    public required string Role { get; init; }
}

/// <summary>A role for a Deployment.</summary>
public sealed record DeploymentRoleResponse
{
    /// <summary>The Deployment.</summary>
    public required string DeploymentId { get; init; }

    /// <summary>The role.</summary>
    public required string Role { get; init; }
}
