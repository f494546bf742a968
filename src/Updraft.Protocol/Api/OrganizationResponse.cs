using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>An Organization.</summary>
public sealed record OrganizationResponse
{
    /// <summary>Id of the Organization.</summary>
    public required string Id { get; init; }

    /// <summary>Name for users, 1 to 50 characters.</summary>
    public required string Name { get; init; }

    /// <summary>Always <c>HOSTED</c>. With another value the <c>astro</c> CLI adds a file to its uploads.</summary>
    [AllowedValues("HOSTED")]
    public string Product { get; init; } = "HOSTED";

    /// <summary>Always empty: Updraft has no plans.</summary>
    public IReadOnlyList<OrganizationProductPlanResponse> ProductPlans { get; init; } = [];

    /// <summary>Always <c>TEAM</c> under v1beta1, which requires it; absent in v1.</summary>
    public string? SupportPlan { get; init; }

    /// <summary>Email address from the newest update; absent before. Updraft stores it but does not act on it.</summary>
    public string? BillingEmail { get; init; }

    /// <summary>Always <c>ACTIVE</c>.</summary>
    [AllowedValues("ACTIVE")]
    public string Status { get; init; } = "ACTIVE";

    /// <summary>Whether SCIM is on. Default: false. Updraft stores it but does not act on it.</summary>
    public bool IsScimEnabled { get; init; }

    /// <summary>Always false: Updraft has no allow-list of IP addresses.</summary>
    public bool HasAllowedIpAddressRanges { get; init; }

    /// <summary>Whether support staff has access. Default: false. Updraft stores it but does not act on it.</summary>
    public bool AllowEnhancedSupportAccess { get; init; }

    /// <summary>
    /// Whether AI features are off; absent before the first update with a value. Updraft stores it but does not act on it.
    /// </summary>
    public bool? HasAiFeaturesDisabled { get; init; }

    /// <summary>Always false: Updraft has no AI features.</summary>
    public bool IsBlockedEnableAiFeatures { get; init; }

    /// <summary>Whether Deployments need dedicated clusters. Default: false. Updraft stores it but does not act on it.</summary>
    public bool ShouldEnforceDedicatedClusters { get; init; }

    /// <summary>Time of creation, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>User or token that created the Organization.</summary>
    public required SubjectProfileResponse CreatedBy { get; init; }

    /// <summary>Time of the last update, in UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>User or token that made the last update.</summary>
    public required SubjectProfileResponse UpdatedBy { get; init; }
}

/// <summary>A page of Organizations. A token sees exactly one.</summary>
public sealed record OrganizationsPaginated
{
    /// <summary>Organizations on this page.</summary>
    public required IReadOnlyList<OrganizationResponse> Organizations { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of Organizations on all pages.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>A plan of an Organization. Updraft returns none.</summary>
public sealed record OrganizationProductPlanResponse
{
    /// <summary>Product of the plan: <c>ASTRO</c>.</summary>
    [AllowedValues("ASTRO")]
    public required string AstronomerProduct { get; init; }

    /// <summary>Id of the Organization.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>Id of the plan.</summary>
    public required string ProductPlanId { get; init; }

    /// <summary>Name of the plan.</summary>
    public required string ProductPlanName { get; init; }
}

/// <summary>Body of UpdateOrganization, which replaces the settings.</summary>
public sealed record UpdateOrganizationRequest
{
    /// <summary>Name for users: one line of 1 to 50 characters.</summary>
    [Required, StringLength(50, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>Email address, at most 255 characters, or empty. Updraft stores it but does not act on it.</summary>
    [Required, StringLength(255)]
    public string? BillingEmail { get; init; }

    /// <summary>Whether SCIM is on. Updraft stores it but does not act on it.</summary>
    [Required]
    public bool? IsScimEnabled { get; init; }

    /// <summary>Whether support staff has access. Default: false. Updraft stores it but does not act on it.</summary>
    public bool? AllowEnhancedSupportAccess { get; init; }

    /// <summary>Whether AI features are off. Default: none. Updraft stores it but does not act on it.</summary>
    public bool? HasAiFeaturesDisabled { get; init; }

    /// <summary>Whether Deployments need dedicated clusters. Default: false. Updraft stores it but does not act on it.</summary>
    public bool? ShouldEnforceDedicatedClusters { get; init; }
}
