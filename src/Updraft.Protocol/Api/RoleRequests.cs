using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Body of UpdateApiToken.</summary>
public sealed record UpdateApiTokenRequest
{
    /// <summary>Name for users: one line of 1 to 255 characters.</summary>
    [Required, StringLength(255, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>Free text, at most 500 characters. Default: empty.</summary>
    [StringLength(500)]
    public string? Description { get; init; }
}

/// <summary>Body of UpdateApiTokenRoles, which replaces all roles of an API token.</summary>
public sealed record UpdateApiTokenRolesRequest
{
    /// <summary>1 to 1,000 roles: one for the object to which the token belongs, the others for objects inside it.</summary>
    [Required]
    public IReadOnlyList<ApiTokenRole>? Roles { get; init; }
}

/// <summary>Body of UpdateUserRoles, which replaces the roles of a user as far as the caller manages them.</summary>
public sealed record UpdateUserRolesRequest
{
    /// <summary>Role for the Organization. Default: none.</summary>
    public string? OrganizationRole { get; init; }

    /// <summary>Roles for Workspaces, at most one for each. Default: none.</summary>
    public IReadOnlyList<WorkspaceRole>? WorkspaceRoles { get; init; }

    /// <summary>Roles for Deployments, at most one for each. Default: none.</summary>
    public IReadOnlyList<DeploymentRole>? DeploymentRoles { get; init; }
}
