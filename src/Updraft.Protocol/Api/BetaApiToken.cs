namespace Updraft.Protocol.Api;

/// <summary>Body of CreateApiToken under <c>/iam/v1beta1</c>.</summary>
public sealed record BetaCreateApiTokenRequest
{
    /// <summary>Name for users: one line of 1 to 255 characters. Required.</summary>
    public string? Name { get; init; }

    /// <summary>Free text, at most 500 characters. Default: empty.</summary>
    public string? Description { get; init; }

    /// <summary>Level of the role: <c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>. Required.</summary>
    public string? Type { get; init; }

    /// <summary>Role of that level, such as <c>WORKSPACE_OWNER</c>. Required.</summary>
    public string? Role { get; init; }

    /// <summary>
    /// Id of the Workspace or Deployment for which the role applies. Required unless the level is <c>ORGANIZATION</c>.
    /// </summary>
    public string? EntityId { get; init; }

    /// <summary>Lifetime in days, 1 to 3,650. If it is absent, the token does not expire.</summary>
    public int? TokenExpiryPeriodInDays { get; init; }
}

/// <summary>An API token in the form of <c>/iam/v1beta1</c>, where <c>type</c> is the level of the role.</summary>
public sealed record BetaApiTokenResponse
{
    /// <summary>Id of the token.</summary>
    public required string Id { get; init; }

    /// <summary>Name for users, at most 255 characters.</summary>
    public required string Name { get; init; }

    /// <summary>Free text; empty if none was given.</summary>
    public required string Description { get; init; }

    /// <summary>Always <c>STANDARD</c>.</summary>
    public string Kind { get; init; } = "STANDARD";

    /// <summary>Level of the object to which the token belongs: <c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    public required string Type { get; init; }

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

    /// <summary>Converts a token to the form of <c>/iam/v1beta1</c>.</summary>
    public static BetaApiTokenResponse From(ApiTokenResponse token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return new BetaApiTokenResponse
        {
            Id = token.Id,
            Name = token.Name,
            Description = token.Description,
            Type = token.Scope,
            Roles = token.Roles,
            ShortToken = token.ShortToken,
            Token = token.Token,
            StartAt = token.StartAt,
            EndAt = token.EndAt,
            ExpiryPeriodInDays = token.ExpiryPeriodInDays,
            LastUsedAt = token.LastUsedAt,
            CreatedAt = token.CreatedAt,
            CreatedBy = token.CreatedBy,
            UpdatedAt = token.UpdatedAt,
            UpdatedBy = token.UpdatedBy,
        };
    }
}

/// <summary>A page of tokens in the form of <c>/iam/v1beta1</c>.</summary>
public sealed record BetaApiTokensPaginated
{
    /// <summary>Tokens on this page, without secrets.</summary>
    public required IReadOnlyList<BetaApiTokenResponse> Tokens { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of matching tokens on all pages.</summary>
    public required int TotalCount { get; init; }
}
