using Updraft.Protocol;

namespace Updraft.Server.Deployments;

/// <summary>Status and versions of a Deployment, derived from its newest revision and the reports of its agents.</summary>
/// <param name="Status">The contract's <c>status</c>: <c>DEPLOYING</c>, <c>HEALTHY</c>, <c>UNHEALTHY</c>.</param>
/// <param name="StatusReason">The reason, as a text for users; null for HEALTHY.</param>
/// <param name="ImageTag">The image tag of the newest revision; empty without an image.</param>
/// <param name="DesiredDagVersion">The version of the default DAG bundle in the newest revision; null without one.</param>
/// <param name="CurrentDagVersion">The version of the default DAG bundle that the agents run; null without a report.</param>
internal sealed record DeploymentCondition(string Status, string? StatusReason, string ImageTag, string? DesiredDagVersion,
    string? CurrentDagVersion)
{
    /// <summary>The condition before the first deploy.</summary>
    public static DeploymentCondition Initial { get; } = new("HEALTHY", null, "", null, null);
}

/// <summary>
/// Reads the condition of many Deployments at once; a Deployment that is missing in the result has <see
/// cref="DeploymentCondition.Initial"/>. It is a delegate, because Rollouts, which implements it, depends on Deployments.
/// </summary>
internal delegate Task<IReadOnlyDictionary<DeploymentId, DeploymentCondition>> ReadDeploymentConditions(
    IReadOnlyCollection<DeploymentId> deployments, CancellationToken cancellationToken);
