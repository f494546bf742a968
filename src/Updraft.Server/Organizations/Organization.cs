using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Organizations;

/// <summary>The top scope. A caller sees nothing of another Organization.</summary>
internal sealed class Organization
{
    public required OrganizationId Id { get; init; }

    public required string Name { get; set; }

    /// <summary>Null until an update sets it. Updraft stores this property and those below it for clients, and does not use them.</summary>
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
