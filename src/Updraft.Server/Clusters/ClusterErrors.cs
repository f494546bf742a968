using Updraft.Server.Api;

namespace Updraft.Server.Clusters;

/// <summary>Errors of clusters.</summary>
internal static class ClusterErrors
{
    public static readonly ErrorCode ClusterFixed = new("cluster_fixed", StatusCodes.Status400BadRequest,
        "The request would create, change or delete a cluster, but an installation has exactly one.",
        "Change the section Clusters of the server's settings instead.");
}
