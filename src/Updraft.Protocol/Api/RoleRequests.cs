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

/// <summary>
/// Body of UpdateUserRoles, which replaces the roles of a user as far as the caller manages them. The roles of an absent field
/// stay, and null removes them. Under <c>/iam/v1beta1</c> and <c>/platform/v1beta1</c>, an absent field removes them too.
/// </summary>
public sealed record UpdateUserRolesRequest
{
    /// <summary>The one role for the Organization, such as <c>ORGANIZATION_MEMBER</c>.</summary>
    public string? OrganizationRole { get; init; }

    /// <summary>All roles for Workspaces, at most one for each. Empty removes them.</summary>
    public IReadOnlyList<WorkspaceRole>? WorkspaceRoles { get; init; }

    /// <summary>All roles for Deployments, at most one for each. Empty removes them.</summary>
    public IReadOnlyList<DeploymentRole>? DeploymentRoles { get; init; }

    /// <summary>Must be absent or empty: Updraft has no roles for DAGs.</summary>
    public IReadOnlyList<DagRole>? DagRoles { get; init; }
}

/// <summary>A role for DAGs, in requests. Updraft has no roles for DAGs, and rejects it.</summary>
public sealed record DagRole
{
    /// <summary>Id of one DAG; required without a tag.</summary>
    public string? DagId { get; init; }

    /// <summary>Tag of the DAGs.</summary>
    public string? DagTag { get; init; }

    /// <summary>Id of the Deployment that runs the DAGs.</summary>
    [Required]
    public string? DeploymentId { get; init; }

    /// <summary>Name of the role.</summary>
    [Required]
    public string? Role { get; init; }
}
