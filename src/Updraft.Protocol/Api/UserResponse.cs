using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A person.</summary>
public sealed record UserResponse
{
    /// <summary>The id.</summary>
    public required string Id { get; init; }

    /// <summary>The person's address.</summary>
    public required string Username { get; init; }

    /// <summary>The person's own name.</summary>
    public required string FullName { get; init; }

    /// <summary>Picture; empty when there is none.</summary>
    public required string AvatarUrl { get; init; }

    /// <summary><c>ACTIVE</c> or <c>INACTIVE</c>.</summary>
    [AllowedValues("ACTIVE", "INACTIVE")]
    public required string Status { get; init; }

    /// <summary>Role for the whole Organization; absent when there is none.</summary>
    [AllowedValues("ORGANIZATION_OWNER", "ORGANIZATION_BILLING_ADMIN", "ORGANIZATION_MEMBER")]
    public string? OrganizationRole { get; init; }

    /// <summary>Roles for Workspaces that the caller manages.</summary>
    public IReadOnlyList<WorkspaceRole> WorkspaceRoles { get; init; } = [];

    /// <summary>Roles for Deployments that the caller manages.</summary>
    public IReadOnlyList<DeploymentRole> DeploymentRoles { get; init; } = [];

    /// <summary>First sign-in.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When name, address or roles changed last.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A page of people.</summary>
public sealed record UsersPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<UserResponse> Users { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>How many match on all pages.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>The caller: a person, or an API token in the shape of one.</summary>
public sealed record SelfUserResponse
{
    /// <summary>Id of the person or token.</summary>
    public required string Id { get; init; }

    /// <summary>Address of the person, name of the token.</summary>
    public required string Username { get; init; }

    /// <summary>The person's own name; name of the token.</summary>
    public required string FullName { get; init; }

    /// <summary>Picture; empty when there is none.</summary>
    public required string AvatarUrl { get; init; }

    /// <summary><c>ACTIVE</c>.</summary>
    [AllowedValues("ACTIVE")]
    public required string Status { get; init; }

    /// <summary>The Organization to which the caller belongs.</summary>
    public string? OrganizationId { get; init; }

    /// <summary>Whether an identity provider answers for the caller; false for tokens.</summary>
    public bool IsIdpManaged { get; init; }

    /// <summary>All roles of the caller.</summary>
    public IReadOnlyList<SelfUserRoleResponse> Roles { get; init; } = [];

    /// <summary>First sign-in; the present for tokens.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Last change; the present for tokens.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A role of the caller.</summary>
public sealed record SelfUserRoleResponse
{
    /// <summary>The role.</summary>
    public required string Role { get; init; }

    /// <summary>Where it counts.</summary>
    public required SelfUserRoleScopeResponse Scope { get; init; }
}

/// <summary>Where a role of the caller counts.</summary>
public sealed record SelfUserRoleScopeResponse
{
    /// <summary><c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    public required string Type { get; init; }

    /// <summary>Id of that.</summary>
    public required string EntityId { get; init; }
}
