using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Body of creating a Workspace.</summary>
public sealed record CreateWorkspaceRequest
{
    /// <summary>1 to 50 characters, unique in the Organization.</summary>
    [Required, StringLength(50, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>At most 500 characters.</summary>
    [StringLength(500)]
    public string? Description { get; init; }

    /// <summary>Whether new Deployments take deploys from API tokens only, unless their creator says otherwise.</summary>
    public bool? CicdEnforcedDefault { get; init; }

    /// <summary><c>AWS</c>, <c>AZURE</c> or <c>GCP</c>; kept and given back.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public string? DefaultCloudProvider { get; init; }

    /// <summary>Kept and given back.</summary>
    [StringLength(100)]
    public string? DefaultClusterId { get; init; }

    /// <summary>Kept and given back.</summary>
    [StringLength(100)]
    public string? DefaultRegion { get; init; }
}

/// <summary>Body of updating a Workspace: replaces its settings.</summary>
public sealed record UpdateWorkspaceRequest
{
    /// <summary>1 to 50 characters, unique in the Organization.</summary>
    [Required, StringLength(50, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>At most 500 characters; may be empty.</summary>
    [Required, StringLength(500)]
    public string? Description { get; init; }

    /// <summary>As in <see cref="CreateWorkspaceRequest.CicdEnforcedDefault"/>; Deployments that exist keep what they have.</summary>
    [Required]
    public bool? CicdEnforcedDefault { get; init; }

    /// <summary><c>AWS</c>, <c>AZURE</c> or <c>GCP</c>; kept and given back.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public string? DefaultCloudProvider { get; init; }

    /// <summary>Kept and given back.</summary>
    [StringLength(100)]
    public string? DefaultClusterId { get; init; }

    /// <summary>Kept and given back.</summary>
    [StringLength(100)]
    public string? DefaultRegion { get; init; }
}

/// <summary>A Workspace.</summary>
public sealed record WorkspaceResponse
{
    /// <summary>The id.</summary>
    public required string Id { get; init; }

    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>Absent when none was given.</summary>
    public string? Description { get; init; }

    /// <summary>The Organization.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>Its name.</summary>
    public string? OrganizationName { get; init; }

    /// <summary>Whether new Deployments take deploys from API tokens only.</summary>
    public required bool CicdEnforcedDefault { get; init; }

    /// <summary>As set.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public string? DefaultCloudProvider { get; init; }

    /// <summary>As set.</summary>
    public string? DefaultClusterId { get; init; }

    /// <summary>As set.</summary>
    public string? DefaultRegion { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who created it.</summary>
    public required SubjectProfileResponse CreatedBy { get; init; }

    /// <summary>When it was changed last.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Who changed it last.</summary>
    public required SubjectProfileResponse UpdatedBy { get; init; }
}

/// <summary>A page of Workspaces.</summary>
public sealed record WorkspacesPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<WorkspaceResponse> Workspaces { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>How many match on all pages.</summary>
    public required int TotalCount { get; init; }
}
