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
    public IReadOnlyList<string> ProductPlans { get; init; } = [];

    /// <summary>Only read by clients of v1beta1.</summary>
    public string SupportPlan { get; init; } = "TEAM";

    /// <summary>Always <c>ACTIVE</c>.</summary>
    [AllowedValues("ACTIVE")]
    public string Status { get; init; } = "ACTIVE";

    /// <summary>Always false.</summary>
    public bool IsScimEnabled { get; init; }

    /// <summary>Always false.</summary>
    public bool HasAllowedIpAddressRanges { get; init; }

    /// <summary>Always false.</summary>
    public bool AllowEnhancedSupportAccess { get; init; }

    /// <summary>Always false.</summary>
    public bool IsBlockedEnableAiFeatures { get; init; }

    /// <summary>Always false.</summary>
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
