using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Workspaces;

/// <summary>A group of Deployments within an Organization.</summary>
internal sealed class Workspace
{
    public required WorkspaceId Id { get; init; }

    public required OrganizationId OrganizationId { get; init; }

    public required string Name { get; set; }

    public string? Description { get; set; }

    /// <summary>Default for <c>isCicdEnforced</c> of new Deployments.</summary>
    public bool CicdEnforcedDefault { get; set; }

    /// <summary>Updraft stores this property and the two below it for clients, and does not use them.</summary>
    public string? DefaultCloudProvider { get; set; }

    public string? DefaultClusterId { get; set; }

    public string? DefaultRegion { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfile CreatedBy { get; init; }

    public required DateTimeOffset UpdatedAt { get; set; }

    public required SubjectProfile UpdatedBy { get; set; }
}
