using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;

namespace Updraft.Server.Rollouts;

/// <summary>
/// The columns of an agent that decide the condition of its Deployment; its mounts, which may be long, are not among them.
/// </summary>
internal sealed record AgentSummary(AgentId Id, DeploymentId Deployment, string Host, string Component, DateTimeOffset LastSeenAt,
    long Revision, AgentPhase? Phase, long ActiveRevision, string? Message)
{
    public static Expression<Func<Agent, AgentSummary>> FromAgent { get; } = agent =>
        new AgentSummary(agent.Id, agent.DeploymentId, agent.Host, agent.Component, agent.LastSeenAt, agent.Revision, agent.Phase,
            agent.ActiveRevision, agent.Message);

    public AgentStatus Status => new(Revision, Phase, ActiveRevision);
}

/// <summary>
/// Reads status and versions of any number of Deployments with three queries. They return the newest revisions, the last report of each
/// agent, and the mounts of one agent per Deployment.
/// </summary>
internal sealed class ReadConditions(UpdraftDbContext db, IOptions<AgentOptions> options, TimeProvider clock)
{
    private const string Healthy = "HEALTHY", Deploying = "DEPLOYING", Unhealthy = "UNHEALTHY";

    /// <summary>Implements <see cref="ReadDeploymentConditions"/>.</summary>
    public async Task<IReadOnlyDictionary<DeploymentId, DeploymentCondition>> RunAsync(IReadOnlyCollection<DeploymentId> deployments,
        CancellationToken cancellationToken)
    {
        var ids = deployments.Distinct().ToArray();
        var newest = await (from deployment in db.Deployments
                            where ids.Contains(deployment.Id)
                            join revision in db.Revisions on new { deployment.Id, Number = deployment.Revision }
                                equals new { Id = revision.DeploymentId, revision.Number }
                            select revision).AsNoTracking().ToDictionaryAsync(row => row.DeploymentId, cancellationToken);
        var agents = (await db.Agents.AsNoTracking().Where(agent => ids.Contains(agent.DeploymentId)).Select(AgentSummary.FromAgent)
            .ToListAsync(cancellationToken)).ToLookup(agent => agent.Deployment);
        var liveSince = clock.GetUtcNow() - options.Value.LiveFor;
        var slowest = agents.Select(group => Slowest(group, liveSince)).ToArray();
        var current = await db.Agents.AsNoTracking().Where(agent => slowest.Contains(agent.Id))
            .Select(agent => new { agent.DeploymentId, agent.Mounts })
            .ToDictionaryAsync(row => row.DeploymentId, row => CurrentVersions.ByPath(row.Mounts), cancellationToken);
        return ids.ToDictionary(id => id,
            id => Describe(newest.GetValueOrDefault(id), [.. agents[id]], liveSince, current.GetValueOrDefault(id)));
    }

    /// <summary>The condition of one Deployment, from rows that the caller has already read.</summary>
    /// <param name="newest">The newest revision; null before the first finalize.</param>
    /// <param name="agents">All agents of the Deployment.</param>
    /// <param name="liveSince">An agent is live if its last heartbeat is not older.</param>
    /// <param name="current">The result of <see cref="CurrentVersions"/>; null without agents.</param>
    public static DeploymentCondition Describe(Revision? newest, IReadOnlyList<AgentSummary> agents, DateTimeOffset liveSince,
        IReadOnlyDictionary<string, string>? current)
    {
        var (status, reason) = newest is null || agents.Count == 0 ? (Healthy, null) : Judge(newest.Number, agents, liveSince);
        return new DeploymentCondition(status, reason, newest?.ImageTag ?? "", newest?.Dags?.Version,
            current?.GetValueOrDefault(Bundle.MainPath));
    }

    private static (string Status, string? Reason) Judge(long revision, IReadOnlyList<AgentSummary> agents, DateTimeOffset liveSince)
    {
        var live = agents.Where(agent => agent.LastSeenAt >= liveSince).ToList();
        if (live.Count == 0)
        {
            var last = agents.Max(agent => agent.LastSeenAt);
            return (Unhealthy, $"No agent is live; the last heartbeat was at {last:yyyy-MM-dd'T'HH:mm:ss'Z'}.");
        }
        switch (Rollout.PhaseOf(revision, [.. live.Select(agent => agent.Status)]))
        {
            case RolloutPhase.Converged:
                return (Healthy, null);
            case RolloutPhase.Failed:
                var failed = live.FindAll(agent => agent.Status.Failed(revision));
                return (Unhealthy, $"{failed.Count} of {Count(live.Count)} failed revision {revision}. "
                    + $"{failed[0].Component} on {failed[0].Host}: {failed[0].Message}");
            default:
                return (Deploying, $"{live.Count(agent => agent.Status.Runs(revision))} of {Count(live.Count)} run revision {revision}.");
        }
    }

    /// <summary>The agent whose mounts count as current, by the rule of <see cref="CurrentVersions"/>.</summary>
    private static AgentId Slowest(IEnumerable<AgentSummary> agents, DateTimeOffset liveSince) =>
        agents.MinBy(agent => (agent.LastSeenAt < liveSince, agent.ActiveRevision, agent.Id.Value))!.Id;

    private static string Count(int agents) => agents == 1 ? "1 agent" : $"{agents} agents";
}
