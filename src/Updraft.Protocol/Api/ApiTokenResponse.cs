using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Body of CreateApiToken.</summary>
public sealed record CreateApiTokenRequest
{
    /// <summary>Name for users: one line of 1 to 255 characters.</summary>
    [Required, StringLength(255, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>Free text, at most 500 characters. Default: empty.</summary>
    [StringLength(500)]
    public string? Description { get; init; }

    /// <summary>Level of the role: <c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    [Required, AllowedValues("ORGANIZATION", "WORKSPACE", "DEPLOYMENT")]
    public string? Scope { get; init; }

    /// <summary>Role of that level, such as <c>WORKSPACE_OWNER</c>. The caller needs every permission of the role.</summary>
    [Required]
    public string? Role { get; init; }

    /// <summary>
    /// Id of the Workspace or Deployment for which the role applies. Required unless the level is <c>ORGANIZATION</c>.
    /// </summary>
    public string? EntityId { get; init; }

    /// <summary><c>STANDARD</c>, which is the only kind and the default.</summary>
    [AllowedValues("STANDARD")]
    public string? Kind { get; init; }

    /// <summary>Lifetime in days, 1 to 3,650. If it is absent, the token does not expire.</summary>
    [Range(1, 3650)]
    public int? TokenExpiryPeriodInDays { get; init; }
}

/// <summary>Body of CreateAgentToken.</summary>
public sealed record CreateAgentTokenRequest
{
    /// <summary>Name for users: one line of 1 to 255 characters.</summary>
    [Required, StringLength(255, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>Free text, at most 500 characters. Default: empty.</summary>
    [StringLength(500)]
    public string? Description { get; init; }

    /// <summary>Lifetime in days, 1 to 3,650. If it is absent, the token does not expire.</summary>
    [Range(1, 3650)]
    public int? TokenExpiryPeriodInDays { get; init; }
}

/// <summary>An API token or agent token. Only the responses that create a secret contain it.</summary>
public sealed record ApiTokenResponse
{
    /// <summary>Id of the token. It stays when the secret is rotated.</summary>
    public required string Id { get; init; }

    /// <summary>Name for users, at most 255 characters.</summary>
    public required string Name { get; init; }

    /// <summary>Free text; empty if none was given.</summary>
    public required string Description { get; init; }

    /// <summary>Always <c>STANDARD</c>.</summary>
    [AllowedValues("STANDARD")]
    public string Kind { get; init; } = "STANDARD";

    /// <summary>Level of the object to which the token belongs: <c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    [AllowedValues("ORGANIZATION", "WORKSPACE", "DEPLOYMENT")]
    public required string Scope { get; init; }

    /// <summary>Roles of the token, each with the object for which it applies.</summary>
    public required IReadOnlyList<ApiTokenRole> Roles { get; init; }

    /// <summary>First eight digits of the secret's hash, by which users recognize the token. They are not secret.</summary>
    public required string ShortToken { get; init; }

    /// <summary>Secret to send as bearer token. Only in responses that create or rotate a token.</summary>
    public string? Token { get; init; }

    /// <summary>Time from which the current secret is valid, in UTC.</summary>
    public required DateTimeOffset StartAt { get; init; }

    /// <summary>Time at which the token expires, in UTC; absent if it does not expire.</summary>
    public DateTimeOffset? EndAt { get; init; }

    /// <summary>Lifetime of a secret in days; absent if the token does not expire.</summary>
    public int? ExpiryPeriodInDays { get; init; }

    /// <summary>Time of the last rotation, in UTC; absent before the first one.</summary>
    public DateTimeOffset? LastRotatedAt { get; init; }

    /// <summary>Approximate time of the last use, in UTC; absent before the first one.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>Time of creation, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>User or token that created this token.</summary>
    public required SubjectProfileResponse CreatedBy { get; init; }

    /// <summary>Time at which the name, description, roles or secret changed last, in UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>User or token that made the last change.</summary>
    public required SubjectProfileResponse UpdatedBy { get; init; }
}

/// <summary>A role and the object for which it applies, in requests and responses.</summary>
public sealed record ApiTokenRole
{
    /// <summary>Type of the object: <c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    [Required, AllowedValues("ORGANIZATION", "WORKSPACE", "DEPLOYMENT")]
    public string? EntityType { get; init; }

    /// <summary>Id of the Organization, Workspace or Deployment.</summary>
    [Required]
    public string? EntityId { get; init; }

    /// <summary>Ignored in requests, and absent in responses: <c>entityId</c> has the id of a Deployment.</summary>
    public string? DeploymentId { get; init; }

    /// <summary>Role of that level, such as <c>WORKSPACE_AUTHOR</c>.</summary>
    [Required]
    public string? Role { get; init; }
}

/// <summary>A page of tokens.</summary>
public sealed record ApiTokensPaginated
{
    /// <summary>Tokens on this page, without secrets.</summary>
    public required IReadOnlyList<ApiTokenResponse> Tokens { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of matching tokens on all pages.</summary>
    public required int TotalCount { get; init; }
}
