using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A user.</summary>
public sealed record UserResponse
{
    /// <summary>Id of the user.</summary>
    public required string Id { get; init; }

    /// <summary>Email address that the identity provider sent at the last sign-in.</summary>
    public required string Username { get; init; }

    /// <summary>Full name that the identity provider sent at the last sign-in, or the email address.</summary>
    public required string FullName { get; init; }

    /// <summary>http or https URL of a picture; empty if the identity provider sent none.</summary>
    public required string AvatarUrl { get; init; }

    /// <summary><c>ACTIVE</c>, or <c>INACTIVE</c> for a user who cannot sign in.</summary>
    [AllowedValues("ACTIVE", "INACTIVE")]
    public required string Status { get; init; }

    /// <summary>Role for the Organization; absent if there is none.</summary>
    [AllowedValues("ORGANIZATION_OWNER", "ORGANIZATION_BILLING_ADMIN", "ORGANIZATION_MEMBER")]
    public string? OrganizationRole { get; init; }

    /// <summary>
    /// Roles for Workspaces in which the caller can see users. Without any, it is empty, and absent under <c>/iam/v1beta1</c>.
    /// </summary>
    public IReadOnlyList<WorkspaceRole>? WorkspaceRoles { get; init; }

    /// <summary>
    /// Roles for Deployments in Workspaces in which the caller can see users. Without any, it is empty, and absent under
    /// <c>/iam/v1beta1</c>.
    /// </summary>
    public IReadOnlyList<DeploymentRole>? DeploymentRoles { get; init; }

    /// <summary>Time of the first sign-in, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Time of the last sign-in or change of roles, in UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A page of users.</summary>
public sealed record UsersPaginated
{
    /// <summary>Users on this page.</summary>
    public required IReadOnlyList<UserResponse> Users { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of matching users on all pages.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>The caller: a user, or an API token in the form of a user.</summary>
public sealed record SelfUserResponse
{
    /// <summary>Id of the user or token.</summary>
    public required string Id { get; init; }

    /// <summary>Email address of the user, or name of the token.</summary>
    public required string Username { get; init; }

    /// <summary>Full name of the user, or name of the token.</summary>
    public required string FullName { get; init; }

    /// <summary>http or https URL of a picture; empty if there is none.</summary>
    public required string AvatarUrl { get; init; }

    /// <summary>Always <c>ACTIVE</c>.</summary>
    [AllowedValues("ACTIVE")]
    public required string Status { get; init; }

    /// <summary>Id of the Organization to which the caller belongs.</summary>
    public string? OrganizationId { get; init; }

    /// <summary>Whether an identity provider manages the caller: true for users, false for tokens.</summary>
    public bool IsIdpManaged { get; init; }

    /// <summary>All roles of the caller.</summary>
    public IReadOnlyList<SelfUserRoleResponse> Roles { get; init; } = [];

    /// <summary>Time of the user's first sign-in, in UTC. For a token the time of this response.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Time of the user's last sign-in or change of roles, in UTC. For a token the time of this response.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A role of the caller.</summary>
public sealed record SelfUserRoleResponse
{
    /// <summary>Name of the role, such as <c>WORKSPACE_OWNER</c>.</summary>
    public required string Role { get; init; }

    /// <summary>Object for which the role applies.</summary>
    public required SelfUserRoleScopeResponse Scope { get; init; }
}

/// <summary>Object for which a role of the caller applies.</summary>
public sealed record SelfUserRoleScopeResponse
{
    /// <summary><c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    public required string Type { get; init; }

    /// <summary>Id of the Organization, Workspace or Deployment.</summary>
    public required string EntityId { get; init; }
}
