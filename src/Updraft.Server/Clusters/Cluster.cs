using System.Security.Cryptography;
using System.Text;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Organizations;

namespace Updraft.Server.Clusters;

/// <summary>The one cluster of an Organization: the machines of this installation. It is not stored; its ids follow from the Organization's.</summary>
internal static class Cluster
{
    /// <summary>Its id.</summary>
    public static string IdOf(OrganizationId organization) => Derive("cluster", organization);

    /// <summary>Id of its only node pool.</summary>
    public static string NodePoolIdOf(OrganizationId organization) => Derive("node pool", organization);

    /// <summary>The cluster on the wire.</summary>
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

    // An id of the usual shape: 'c' and 24 of [0-9a-f].
    private static string Derive(string what, OrganizationId organization) =>
        string.Concat("c", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{what} of {organization}"))).AsSpan(0, EntityId.Length - 1));
}
