namespace Updraft.Protocol.Api;

/// <summary>Body of changing an API token.</summary>
public sealed record UpdateApiTokenRequest
{
    /// <summary>1 to 255 characters.</summary>
    public string? Name { get; init; }

    /// <summary>At most 500 characters; empty when absent.</summary>
    public string? Description { get; init; }
}

/// <summary>Body of replacing all roles of an API token.</summary>
public sealed record UpdateApiTokenRolesRequest
{
    /// <summary>1 to 1,000: one for the place to which the token belongs, the others for places inside of it.</summary>
    public IReadOnlyList<ApiTokenRoleRequest>? Roles { get; init; }
}

/// <summary>A role that a token is to have.</summary>
public sealed record ApiTokenRoleRequest
{
    /// <summary><c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    public string? EntityType { get; init; }

    /// <summary>Id of that.</summary>
    public string? EntityId { get; init; }

    /// <summary>A role of that level, e.g. <c>WORKSPACE_AUTHOR</c>.</summary>
    public string? Role { get; init; }
}

/// <summary>Body of replacing the roles of a person, as far as the caller manages them.</summary>
public sealed record UpdateUserRolesRequest
{
    /// <summary>Role for the whole Organization; none when absent.</summary>
    public string? OrganizationRole { get; init; }

    /// <summary>Roles for Workspaces.</summary>
    public IReadOnlyList<WorkspaceRoleRequest>? WorkspaceRoles { get; init; }

    /// <summary>Roles for Deployments.</summary>
    public IReadOnlyList<DeploymentRoleRequest>? DeploymentRoles { get; init; }
}

/// <summary>A role for a Workspace.</summary>
public sealed record WorkspaceRoleRequest
{
    /// <summary>The Workspace.</summary>
    public string? WorkspaceId { get; init; }

    /// <summary>The role.</summary>
    public string? Role { get; init; }
}

/// <summary>A role for a Deployment.</summary>
public sealed record DeploymentRoleRequest
{
    /// <summary>The Deployment.</summary>
    public string? DeploymentId { get; init; }

    /// <summary>The role.</summary>
    public string? Role { get; init; }
}
