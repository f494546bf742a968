using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Body of changing an API token.</summary>
public sealed record UpdateApiTokenRequest
{
    /// <summary>1 to 255 characters.</summary>
    [Required, StringLength(255, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>At most 500 characters; empty when absent.</summary>
    [StringLength(500)]
    public string? Description { get; init; }
}

/// <summary>Body of replacing all roles of an API token.</summary>
public sealed record UpdateApiTokenRolesRequest
{
    /// <summary>1 to 1,000: one for the place to which the token belongs, the others for places inside of it.</summary>
    [Required]
    public IReadOnlyList<ApiTokenRole>? Roles { get; init; }
}

/// <summary>Body of replacing the roles of a person, as far as the caller manages them.</summary>
public sealed record UpdateUserRolesRequest
{
    /// <summary>Role for the whole Organization; none when absent.</summary>
    public string? OrganizationRole { get; init; }

    /// <summary>Roles for Workspaces.</summary>
    public IReadOnlyList<WorkspaceRole>? WorkspaceRoles { get; init; }

    /// <summary>Roles for Deployments.</summary>
    public IReadOnlyList<DeploymentRole>? DeploymentRoles { get; init; }
}
