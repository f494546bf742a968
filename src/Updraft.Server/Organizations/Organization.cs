using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Organizations;

/// <summary>The top of the tenancy: nothing is seen across its border.</summary>
internal sealed class Organization
{
    public required OrganizationId Id { get; init; }

    public required string Name { get; set; }

    /// <summary>Stored for clients, like the settings below it. Null before somebody sets it.</summary>
    public string? BillingEmail { get; set; }

    public bool IsScimEnabled { get; set; }

    public bool AllowEnhancedSupportAccess { get; set; }

    public bool? HasAiFeaturesDisabled { get; set; }

    public bool ShouldEnforceDedicatedClusters { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfile CreatedBy { get; init; }

    public required DateTimeOffset UpdatedAt { get; set; }

    public required SubjectProfile UpdatedBy { get; set; }
}
