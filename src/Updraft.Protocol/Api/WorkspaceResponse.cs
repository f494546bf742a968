using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Body of CreateWorkspace.</summary>
public sealed record CreateWorkspaceRequest
{
    /// <summary>Name for users: one line of 1 to 50 characters, unique in the Organization.</summary>
    [Required, StringLength(50, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>Free text, at most 500 characters. Default: none.</summary>
    [StringLength(500)]
    public string? Description { get; init; }

    /// <summary>Default of <c>isCicdEnforced</c> for new Deployments. Default: false.</summary>
    public bool? CicdEnforcedDefault { get; init; }

    /// <summary><c>AWS</c>, <c>AZURE</c> or <c>GCP</c>. Default: none. Updraft stores it but does not act on it.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public string? DefaultCloudProvider { get; init; }

    /// <summary>Id of a cluster, at most 100 characters. Default: none. Updraft stores it but does not act on it.</summary>
    [StringLength(100)]
    public string? DefaultClusterId { get; init; }

    /// <summary>Name of a region, at most 100 characters. Default: none. Updraft stores it but does not act on it.</summary>
    [StringLength(100)]
    public string? DefaultRegion { get; init; }
}

/// <summary>Body of UpdateWorkspace, which replaces the settings.</summary>
public sealed record UpdateWorkspaceRequest
{
    /// <summary>Name for users: one line of 1 to 50 characters, unique in the Organization.</summary>
    [Required, StringLength(50, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>Free text, at most 500 characters, or empty.</summary>
    [Required, StringLength(500)]
    public string? Description { get; init; }

    /// <summary>Default of <c>isCicdEnforced</c> for new Deployments. Existing Deployments keep their value.</summary>
    [Required]
    public bool? CicdEnforcedDefault { get; init; }

    /// <summary><c>AWS</c>, <c>AZURE</c> or <c>GCP</c>. Default: none. Updraft stores it but does not act on it.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public string? DefaultCloudProvider { get; init; }

    /// <summary>Id of a cluster, at most 100 characters. Default: none. Updraft stores it but does not act on it.</summary>
    [StringLength(100)]
    public string? DefaultClusterId { get; init; }

    /// <summary>Name of a region, at most 100 characters. Default: none. Updraft stores it but does not act on it.</summary>
    [StringLength(100)]
    public string? DefaultRegion { get; init; }
}

/// <summary>A Workspace.</summary>
public sealed record WorkspaceResponse
{
    /// <summary>Id of the Workspace.</summary>
    public required string Id { get; init; }

    /// <summary>Name for users, unique in the Organization.</summary>
    public required string Name { get; init; }

    /// <summary>Free text; absent if none was given.</summary>
    public string? Description { get; init; }

    /// <summary>Id of the Organization.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>Name of the Organization.</summary>
    public string? OrganizationName { get; init; }

    /// <summary>Default of <c>isCicdEnforced</c> for new Deployments.</summary>
    public required bool CicdEnforcedDefault { get; init; }

    /// <summary>Cloud provider from the newest request; absent if none was given. Updraft stores it but does not act on it.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public string? DefaultCloudProvider { get; init; }

    /// <summary>Id of a cluster from the newest request; absent if none was given. Updraft stores it but does not act on it.</summary>
    public string? DefaultClusterId { get; init; }

    /// <summary>Name of a region from the newest request; absent if none was given. Updraft stores it but does not act on it.</summary>
    public string? DefaultRegion { get; init; }

    /// <summary>Time of creation, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>User or token that created the Workspace.</summary>
    public required SubjectProfileResponse CreatedBy { get; init; }

    /// <summary>Time of the last change, in UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>User or token that made the last change.</summary>
    public required SubjectProfileResponse UpdatedBy { get; init; }
}

/// <summary>A page of Workspaces.</summary>
public sealed record WorkspacesPaginated
{
    /// <summary>Workspaces on this page.</summary>
    public required IReadOnlyList<WorkspaceResponse> Workspaces { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of matching Workspaces on all pages.</summary>
    public required int TotalCount { get; init; }
}
