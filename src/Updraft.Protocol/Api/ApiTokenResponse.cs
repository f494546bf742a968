using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Body of creating an API token.</summary>
public sealed record CreateApiTokenRequest
{
    /// <summary>1 to 255 characters.</summary>
    [Required, StringLength(255, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>At most 500 characters.</summary>
    [StringLength(500)]
    public string? Description { get; init; }

    /// <summary><c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    [Required, AllowedValues("ORGANIZATION", "WORKSPACE", "DEPLOYMENT")]
    public string? Scope { get; init; }

    /// <summary>A role of that scope, e.g. <c>WORKSPACE_OWNER</c>.</summary>
    [Required]
    public string? Role { get; init; }

    /// <summary>The Workspace or Deployment.</summary>
    public string? EntityId { get; init; }

    /// <summary><c>STANDARD</c>.</summary>
    [AllowedValues("STANDARD")]
    public string? Kind { get; init; }

    /// <summary>1 to 3,650; without end when absent.</summary>
    [Range(1, 3650)]
    public int? TokenExpiryPeriodInDays { get; init; }
}

/// <summary>Body of creating an agent token.</summary>
public sealed record CreateAgentTokenRequest
{
    /// <summary>1 to 255 characters.</summary>
    [Required, StringLength(255, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>At most 500 characters.</summary>
    [StringLength(500)]
    public string? Description { get; init; }

    /// <summary>1 to 3,650; without end when absent.</summary>
    [Range(1, 3650)]
    public int? TokenExpiryPeriodInDays { get; init; }
}

/// <summary>An API token or agent token, without the token itself.</summary>
public sealed record ApiTokenResponse
{
    /// <summary>The id.</summary>
    public required string Id { get; init; }

    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>Empty when none was given.</summary>
    public required string Description { get; init; }

    /// <summary><c>STANDARD</c>.</summary>
    [AllowedValues("STANDARD")]
    public string Kind { get; init; } = "STANDARD";

    /// <summary>Level on which the role counts: <c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    [AllowedValues("ORGANIZATION", "WORKSPACE", "DEPLOYMENT")]
    public required string Scope { get; init; }

    /// <summary>What it may do, and where.</summary>
    public required IReadOnlyList<ApiTokenRole> Roles { get; init; }

    /// <summary>By which people recognise it; nothing secret.</summary>
    public required string ShortToken { get; init; }

    /// <summary>The token itself: only in the answer that creates it.</summary>
    public string? Token { get; init; }

    /// <summary>From when on it counts.</summary>
    public required DateTimeOffset StartAt { get; init; }

    /// <summary>Until when it counts; absent for one without end.</summary>
    public DateTimeOffset? EndAt { get; init; }

    /// <summary>Days that it counts for; absent for one without end.</summary>
    public int? ExpiryPeriodInDays { get; init; }

    /// <summary>When it got its present secret; absent while that is the first one.</summary>
    public DateTimeOffset? LastRotatedAt { get; init; }

    /// <summary>About when it was used last; absent for never.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who created it.</summary>
    public required SubjectProfileResponse CreatedBy { get; init; }

    /// <summary>When its name, roles or secret changed last.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Who changed it last.</summary>
    public required SubjectProfileResponse UpdatedBy { get; init; }
}

/// <summary>A role of a token and where it counts, in requests and answers.</summary>
public sealed record ApiTokenRole
{
    /// <summary><c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    [Required, AllowedValues("ORGANIZATION", "WORKSPACE", "DEPLOYMENT")]
    public string? EntityType { get; init; }

    /// <summary>Id of that.</summary>
    [Required]
    public string? EntityId { get; init; }

    /// <summary>The same id once more, for a role of a Deployment; ignored in requests.</summary>
    public string? DeploymentId { get; init; }

    /// <summary>A role of that level, e.g. <c>WORKSPACE_AUTHOR</c>.</summary>
    [Required]
    public string? Role { get; init; }
}

/// <summary>A page of tokens.</summary>
public sealed record ApiTokensPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<ApiTokenResponse> Tokens { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>How many match on all pages.</summary>
    public required int TotalCount { get; init; }
}
