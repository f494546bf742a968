using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>An Organization.</summary>
public sealed record OrganizationResponse
{
    /// <summary>The id.</summary>
    public required string Id { get; init; }

    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>Always <c>HOSTED</c>: with anything else the astro CLI adds a file of its own to what it uploads.</summary>
    [AllowedValues("HOSTED")]
    public string Product { get; init; } = "HOSTED";

    /// <summary>Always empty: nothing is sold here.</summary>
    public IReadOnlyList<OrganizationProductPlanResponse> ProductPlans { get; init; } = [];

    /// <summary>Only under v1beta1, where it is required: <c>TEAM</c>.</summary>
    public string? SupportPlan { get; init; }

    /// <summary>As set; absent before.</summary>
    public string? BillingEmail { get; init; }

    /// <summary>Always <c>ACTIVE</c>.</summary>
    [AllowedValues("ACTIVE")]
    public string Status { get; init; } = "ACTIVE";

    /// <summary>As set; nothing follows from it.</summary>
    public bool IsScimEnabled { get; init; }

    /// <summary>Always false.</summary>
    public bool HasAllowedIpAddressRanges { get; init; }

    /// <summary>As set; nothing follows from it.</summary>
    public bool AllowEnhancedSupportAccess { get; init; }

    /// <summary>As set; absent before.</summary>
    public bool? HasAiFeaturesDisabled { get; init; }

    /// <summary>Always false.</summary>
    public bool IsBlockedEnableAiFeatures { get; init; }

    /// <summary>As set; nothing follows from it.</summary>
    public bool ShouldEnforceDedicatedClusters { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who created it.</summary>
    public required SubjectProfileResponse CreatedBy { get; init; }

    /// <summary>When it was changed last.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Who changed it last.</summary>
    public required SubjectProfileResponse UpdatedBy { get; init; }
}

/// <summary>A page of Organizations.</summary>
public sealed record OrganizationsPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<OrganizationResponse> Organizations { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>How many there are on all pages.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>What an Organization has bought. Nothing is sold here, so there is never one.</summary>
public sealed record OrganizationProductPlanResponse
{
    /// <summary>The product.</summary>
    [AllowedValues("ASTRO")]
    public required string AstronomerProduct { get; init; }

    /// <summary>The Organization.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>The plan.</summary>
    public required string ProductPlanId { get; init; }

    /// <summary>Its name.</summary>
    public required string ProductPlanName { get; init; }
}

/// <summary>Body of updating an Organization: replaces its settings.</summary>
public sealed record UpdateOrganizationRequest
{
    /// <summary>1 to 50 characters.</summary>
    [Required, StringLength(50, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>Kept and given back; may be empty.</summary>
    [Required, StringLength(255)]
    public string? BillingEmail { get; init; }

    /// <summary>Kept and given back.</summary>
    [Required]
    public bool? IsScimEnabled { get; init; }

    /// <summary>Kept and given back.</summary>
    public bool? AllowEnhancedSupportAccess { get; init; }

    /// <summary>Kept and given back.</summary>
    public bool? HasAiFeaturesDisabled { get; init; }

    /// <summary>Kept and given back.</summary>
    public bool? ShouldEnforceDedicatedClusters { get; init; }
}
