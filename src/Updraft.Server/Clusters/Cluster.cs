using System.Security.Cryptography;
using System.Text;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Organizations;

namespace Updraft.Server.Clusters;

/// <summary>
/// The one cluster of an Organization, which stands for this installation. It is not stored: its IDs are derived from the ID of the
/// Organization.
/// </summary>
internal static class Cluster
{
    public static string IdOf(OrganizationId organization) => Derive("cluster", organization);

    /// <summary>ID of the only node pool.</summary>
    public static string NodePoolIdOf(OrganizationId organization) => Derive("node pool", organization);

    /// <summary>The cluster in the API.</summary>
    public static ClusterResponse ToCluster(this Organization organization, ClusterOptions options) => new()
    {
        Id = IdOf(organization.Id),
        Name = options.Name,
        OrganizationId = organization.Id.Value,
        CloudProvider = options.CloudProvider,
        Region = options.Region,
        NodePools =
        [
            new NodePoolResponse
            {
                Id = NodePoolIdOf(organization.Id),
                ClusterId = IdOf(organization.Id),
                CloudProvider = options.CloudProvider,
                SupportedAstroMachines = [.. WorkerMachine.All.Select(machine => machine.Name)],
                CreatedAt = organization.CreatedAt,
                UpdatedAt = organization.CreatedAt,
            },
        ],
        CreatedAt = organization.CreatedAt,
        UpdatedAt = organization.CreatedAt,
    };

    // An ID of the usual shape: 'c' and 24 of [0-9a-f].
    private static string Derive(string kind, OrganizationId organization) =>
        string.Concat("c", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind} of {organization}")))
            .AsSpan(0, EntityId.Length - 1));
}
