using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Deploys;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Web;

/// <param name="LastDeploy">Null before the first deploy.</param>
/// <param name="Agents">All enrolled agents, live or stale, by host and component.</param>
/// <param name="Revision">Number of the newest revision; 0 before the first.</param>
public sealed record DeploymentOverview(DeploySummary? LastDeploy, IReadOnlyList<AgentRow> Agents, long Revision)
{
    public int LiveAgents => Agents.Count(agent => agent.IsLive);

    /// <summary>Live agents that have activated the newest revision.</summary>
    public int UpToDateAgents =>
        Agents.Count(agent => agent.IsLive && agent.ActiveRevision == Revision && agent.Phase != AgentPhase.Failed);
}

/// <summary>A deploy in the list of Deployments.</summary>
/// <param name="CreatedBy">The full name, or the name of the token.</param>
public sealed record DeploySummary(DeployId Id, string? Description, string TypeName, DateTimeOffset CreatedAt, string CreatedBy);

/// <summary>An agent in the table of agents.</summary>
/// <remarks><c>IsDuplicated</c>: two running processes use the agent id; see <see cref="AgentSessions"/>.</remarks>
public sealed record AgentRow(AgentId Id, DeploymentId Deployment, string Host, string Component, string Version,
    DateTimeOffset LastSeenAt, long Revision, AgentPhase? Phase, long ActiveRevision, string? Message, bool IsLive,
    bool IsDuplicated = false);

/// <summary>Reads overviews of any number of Deployments in three queries.</summary>
internal sealed class DeploymentOverviews(UpdraftDbContext db, AgentSessions sessions, IOptions<AgentOptions> options, TimeProvider clock)
{
    public async Task<IReadOnlyDictionary<DeploymentId, DeploymentOverview>> ReadAsync(
        IReadOnlyCollection<DeploymentId> deployments, CancellationToken cancellationToken)
    {
        var ids = deployments.ToArray();
        var revisions = await db.Deployments.AsNoTracking().Where(row => ids.Contains(row.Id))
            .Select(row => new { row.Id, row.Revision }).ToDictionaryAsync(row => row.Id, row => row.Revision, cancellationToken);
        var last = await (from deployment in db.Deployments.AsNoTracking()
                          where ids.Contains(deployment.Id)
                          join deploy in db.Deploys on new { deployment.Id, Number = deployment.DeployCount }
                              equals new { Id = deploy.DeploymentId, deploy.Number }
                          select deploy).ToDictionaryAsync(row => row.DeploymentId, cancellationToken);
        var liveSince = clock.GetUtcNow() - options.Value.LiveFor;
        var agents = (await db.Agents.AsNoTracking().Where(row => ids.Contains(row.DeploymentId))
                .OrderBy(row => row.Host).ThenBy(row => row.Component).ThenBy(row => row.Id)
                .Select(row => new AgentRow(row.Id, row.DeploymentId, row.Host, row.Component, row.AgentVersion, row.LastSeenAt,
                    row.Revision, row.Phase, row.ActiveRevision, row.Message, row.LastSeenAt >= liveSince))
                .ToListAsync(cancellationToken))
            .Select(row => row with { IsDuplicated = sessions.IsDuplicated(row.Id) })
            .ToLookup(row => row.Deployment);
        return ids.ToDictionary(id => id,
            id => new DeploymentOverview(Summarize(last.GetValueOrDefault(id)), [.. agents[id]], revisions.GetValueOrDefault(id)));
    }

    /// <summary>The deploy that created the newest revision. The Deployment must have one.</summary>
    public Task<DeployId> FindNewestDeployAsync(DeploymentId id, CancellationToken cancellationToken) => db.Revisions
        .Where(row => row.DeploymentId == id).OrderByDescending(row => row.Number).Select(row => row.DeployId)
        .FirstAsync(cancellationToken);

    /// <summary>A text that changes whenever a page of the Deployment would show something different.</summary>
    public async Task<string> ReadChangeStampAsync(DeploymentId id, CancellationToken cancellationToken)
    {
        var liveSince = clock.GetUtcNow() - options.Value.LiveFor;
        var deployment = await db.Deployments.Where(row => row.Id == id && row.DeletedAt == null)
            .Select(row => new { row.Revision, row.DeployCount, row.LastVersionTicks, row.UpdatedAt })
            .SingleOrDefaultAsync(cancellationToken);
        var agents = await db.Agents.Where(row => row.DeploymentId == id).OrderBy(row => row.Id)
            .Select(row => new { row.Id, row.ReportedAt, row.ActiveRevision, IsLive = row.LastSeenAt >= liveSince })
            .ToListAsync(cancellationToken);
        // Ticks, because a formatted time has whole seconds, and agents prepare and activate within one second.
        return string.Join(' ', agents.Select(agent =>
            $"{agent.ReportedAt?.UtcTicks} {agent.ActiveRevision} {agent.IsLive} {sessions.IsDuplicated(agent.Id)}").Prepend(
            $"{deployment?.Revision} {deployment?.DeployCount} {deployment?.LastVersionTicks} {deployment?.UpdatedAt.UtcTicks}"));
    }

    /// <summary>A text that changes whenever the list of these Deployments would show something different.</summary>
    public async Task<string> ReadChangeStampAsync(IQueryable<Deployment> visible, CancellationToken cancellationToken)
    {
        var liveSince = clock.GetUtcNow() - options.Value.LiveFor;
        var deployments = await visible.GroupBy(_ => 1).Select(all => new
        {
            Count = all.Count(),
            Revisions = all.Sum(row => row.Revision),
            Deploys = all.Sum(row => row.DeployCount),
            Updated = all.Max(row => row.UpdatedAt),
        }).SingleOrDefaultAsync(cancellationToken);
        var agents = await db.Agents.Where(row => visible.Any(deployment => deployment.Id == row.DeploymentId)).GroupBy(_ => 1)
            .Select(all => new
            {
                Count = all.Count(),
                Live = all.Count(row => row.LastSeenAt >= liveSince),
                Active = all.Sum(row => row.ActiveRevision),
                Reported = all.Max(row => row.ReportedAt),
            }).SingleOrDefaultAsync(cancellationToken);
        return $"{deployments?.Count} {deployments?.Revisions} {deployments?.Deploys} {deployments?.Updated.UtcTicks} "
            + $"{agents?.Count} {agents?.Live} {agents?.Active} {agents?.Reported?.UtcTicks}";
    }

    private static DeploySummary? Summarize(Deploy? deploy) => deploy is null ? null
        : new(deploy.Id, deploy.Description, deploy.Type.Name(), deploy.CreatedAt, deploy.CreatedBy.FullName ?? deploy.CreatedBy.Name);
}
