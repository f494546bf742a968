using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;

namespace Updraft.Server.Rollouts;

/// <summary>
/// How Deployments are and what they run, for any number of them in three queries: the newest revisions, what the
/// agents said last, and the mounts of one agent each.
/// </summary>
internal sealed class ReadConditions(UpdraftDbContext db, IOptions<AgentOptions> options, TimeProvider clock)
{
    private const string Healthy = "HEALTHY", Deploying = "DEPLOYING", Unhealthy = "UNHEALTHY";

    /// <summary>Implements <see cref="ReadDeploymentConditions"/>.</summary>
    public async Task<IReadOnlyDictionary<DeploymentId, DeploymentCondition>> RunAsync(IReadOnlyCollection<DeploymentId> deployments,
        CancellationToken cancellationToken)
    {
        var ids = deployments.Distinct().ToArray();
        var wanted = await (from deployment in db.Deployments.AsNoTracking()
                            where ids.Contains(deployment.Id)
                            join revision in db.Revisions on new { deployment.Id, Number = deployment.Revision }
                                equals new { Id = revision.DeploymentId, revision.Number }
                            select new { deployment.Id, revision.Number, revision.ImageTag, revision.Mounts })
            .ToDictionaryAsync(row => row.Id, cancellationToken);
        var agents = await db.Agents.AsNoTracking().Where(agent => ids.Contains(agent.DeploymentId))
            .Select(agent => new Known(agent.Id, agent.DeploymentId, agent.Host, agent.Component, agent.LastSeenAt,
                agent.Revision, agent.Phase, agent.ActiveRevision, agent.Message))
            .ToListAsync(cancellationToken);
        var liveSince = clock.GetUtcNow() - options.Value.LiveFor;
        var crews = agents.GroupBy(agent => agent.Deployment).ToDictionary(all => all.Key, all => new LiveAgents([.. all], liveSince));
        var asked = crews.Values.Select(crew => crew.Hindmost).ToArray();
        var current = await db.Agents.AsNoTracking().Where(agent => asked.Contains(agent.Id))
            .Select(agent => new { agent.DeploymentId, agent.Mounts })
            .ToDictionaryAsync(row => row.DeploymentId, row => CurrentVersions.ByPath(row.Mounts), cancellationToken);

        return ids.ToDictionary(id => id, id =>
        {
            var newest = wanted.GetValueOrDefault(id);
            var (status, reason) = newest is not null && crews.TryGetValue(id, out var crew) ? Judge(newest.Number, crew) : (Healthy, null);
            return new DeploymentCondition(status, reason, newest?.ImageTag ?? "",
                newest?.Mounts.FirstOrDefault(mount => mount.Path == Bundle.MainPath)?.Version,
                current.GetValueOrDefault(id)?.GetValueOrDefault(Bundle.MainPath));
        });
    }

    private static (string Status, string? Reason) Judge(long revision, LiveAgents crew)
    {
        var live = crew.Live;
        if (live.Count == 0)
            return (Unhealthy, $"No agent answers; the last sign of life was at {crew.LastSeenAt:yyyy-MM-dd'T'HH:mm:ss'Z'}.");
        switch (Rollout.PhaseOf(revision, [.. live.Select(agent => agent.AgentStatus)]))
        {
            case RolloutPhase.Converged:
                return (Healthy, null);
            case RolloutPhase.Failed:
                var failed = live.FindAll(agent => agent.AgentStatus.Failed(revision));
                return (Unhealthy, $"{failed.Count} of {Count(live.Count)} failed revision {revision}. "
                    + $"{failed[0].Component} on {failed[0].Host}: {failed[0].Message}");
            default:
                return (Deploying, $"{live.Count(agent => agent.AgentStatus.Runs(revision))} of {Count(live.Count)} run revision {revision}.");
        }
    }

    private static string Count(int agents) => agents == 1 ? "1 agent" : $"{agents} agents";

    private sealed record Known(AgentId Id, DeploymentId Deployment, string Host, string Component, DateTimeOffset LastSeenAt,
        long Revision, AgentPhase? Phase, long ActiveRevision, string? Message)
    {
        public AgentStatus AgentStatus => new(Revision, Phase, ActiveRevision);
    }

    /// <summary>The agents of one Deployment, one at least.</summary>
    private sealed class LiveAgents(List<Known> all, DateTimeOffset liveSince)
    {
        public List<Known> Live { get; } = all.FindAll(agent => agent.LastSeenAt >= liveSince);

        public DateTimeOffset LastSeenAt => all.Max(agent => agent.LastSeenAt);

        /// <summary>The one whose mounts count as current, by the rule of <see cref="CurrentVersions"/>.</summary>
        public AgentId Hindmost => (Live.Count > 0 ? Live : all).MinBy(agent => (agent.ActiveRevision, agent.Id.Value))!.Id;
    }
}
