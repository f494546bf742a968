namespace Updraft.Protocol.Api;

/// <summary>Body of creating an API token, as <c>/iam/v1beta1</c> has it.</summary>
public sealed record BetaCreateApiTokenRequest
{
    /// <summary>1 to 255 characters.</summary>
    public string? Name { get; init; }

    /// <summary>At most 500 characters.</summary>
    public string? Description { get; init; }

    /// <summary><c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    public string? Type { get; init; }

    /// <summary>A role of that level.</summary>
    public string? Role { get; init; }

    /// <summary>The Workspace or Deployment.</summary>
    public string? EntityId { get; init; }

    /// <summary>1 to 3,650; without end when absent.</summary>
    public int? TokenExpiryPeriodInDays { get; init; }
}

/// <summary>An API token, as <c>/iam/v1beta1</c> shows it: its level is called <c>type</c>.</summary>
public sealed record BetaApiTokenResponse
{
    /// <summary>The id.</summary>
    public required string Id { get; init; }

    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>Empty when none was given.</summary>
    public required string Description { get; init; }

    /// <summary><c>STANDARD</c>.</summary>
    public string Kind { get; init; } = "STANDARD";

    /// <summary><c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    public required string Type { get; init; }

    /// <summary>What it may do, and where.</summary>
    public required IReadOnlyList<ApiTokenRole> Roles { get; init; }

    /// <summary>By which people recognise it; nothing secret.</summary>
    public required string ShortToken { get; init; }

    /// <summary>The token itself: only in the answer that makes it.</summary>
    public string? Token { get; init; }

    /// <summary>From when on its present secret counts.</summary>
    public required DateTimeOffset StartAt { get; init; }

    /// <summary>Until when it counts; absent for one without end.</summary>
    public DateTimeOffset? EndAt { get; init; }

    /// <summary>As in the request.</summary>
    public int? ExpiryPeriodInDays { get; init; }

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

    /// <summary>The same token in the older form.</summary>
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

/// <summary>A page of tokens, as <c>/iam/v1beta1</c> shows them.</summary>
public sealed record BetaApiTokensPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<BetaApiTokenResponse> Tokens { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>How many match on all pages.</summary>
    public required int TotalCount { get; init; }
}
