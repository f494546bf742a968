using Updraft.Protocol;

namespace Updraft.Server.Deployments;

/// <summary>What a Deployment runs and how it is, as the rollout of its newest revision has it.</summary>
/// <param name="Status">The contract's <c>status</c>: <c>DEPLOYING</c>, <c>HEALTHY</c>, <c>UNHEALTHY</c>.</param>
/// <param name="StatusReason">Why, for a person; null when there is nothing to say.</param>
/// <param name="ImageTag">Tag of the newest revision's image; empty for none.</param>
/// <param name="DesiredDagVersion">DAG bundle version of the newest revision; null for none.</param>
/// <param name="CurrentDagVersion">DAG bundle version that the agents run; null when nothing is reported.</param>
internal sealed record DeploymentCondition(string Status, string? StatusReason, string ImageTag, string? DesiredDagVersion,
    string? CurrentDagVersion)
{
    /// <summary>Before the first deploy.</summary>
    public static DeploymentCondition Initial { get; } = new("HEALTHY", null, "", null, null);
}

/// <summary>
/// Reads the condition of many Deployments at once; one that is missing in the answer is <see cref="DeploymentCondition.Initial"/>. A
/// delegate, because the rollouts that know it are built on Deployments and not the other way round.
/// </summary>
internal delegate Task<IReadOnlyDictionary<DeploymentId, DeploymentCondition>> ReadDeploymentConditions(
    IReadOnlyCollection<DeploymentId> deployments, CancellationToken cancellationToken);
