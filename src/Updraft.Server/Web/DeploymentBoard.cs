using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Deploys;

namespace Updraft.Server.Web;

/// <summary>What a list of Deployments says of one beside its condition.</summary>
/// <param name="Last">The newest deploy; null before the first.</param>
/// <param name="Agents">Every agent that is remembered.</param>
/// <param name="Revision">The newest revision.</param>
internal sealed record BoardRow(Deploy? Last, IReadOnlyList<AgentRow> Agents, long Revision)
{
    /// <summary>Live agents.</summary>
    public int Live => Agents.Count(agent => agent.IsLive);

    /// <summary>Live agents that run the newest revision.</summary>
    public int UpToDate => Agents.Count(agent => agent.IsLive && agent.ActiveRevision == Revision && agent.Phase != AgentPhase.Failed);
}

/// <summary>An agent as the pages show it.</summary>
internal sealed record AgentRow(AgentId Id, DeploymentId Deployment, string Host, string Component, string Version, DateTimeOffset LastSeenAt,
    long Revision, AgentPhase? Phase, long ActiveRevision, string? Message, bool IsLive);

/// <summary>Reads what is going on in Deployments, for any number of them in three queries.</summary>
internal sealed class DeploymentBoard(UpdraftDbContext db, IOptions<AgentOptions> options, TimeProvider clock)
{
    public async Task<IReadOnlyDictionary<DeploymentId, BoardRow>> ReadAsync(IReadOnlyCollection<DeploymentId> deployments, CancellationToken cancellationToken)
    {
        var ids = deployments.ToArray();
        var revisions = await db.Deployments.AsNoTracking().Where(row => ids.Contains(row.Id))
            .Select(row => new { row.Id, row.Revision }).ToDictionaryAsync(row => row.Id, row => row.Revision, cancellationToken);
        var last = await (from deployment in db.Deployments.AsNoTracking()
                          where ids.Contains(deployment.Id)
                          join deploy in db.Deploys on new { deployment.Id, Number = deployment.DeployCount } equals new { Id = deploy.DeploymentId, deploy.Number }
                          select deploy).ToDictionaryAsync(row => row.DeploymentId, cancellationToken);
        var liveSince = clock.GetUtcNow() - options.Value.LiveFor;
        var agents = (await db.Agents.AsNoTracking().Where(row => ids.Contains(row.DeploymentId))
                .OrderBy(row => row.Host).ThenBy(row => row.Component).ThenBy(row => row.Id)
                .Select(row => new AgentRow(row.Id, row.DeploymentId, row.Host, row.Component, row.AgentVersion, row.LastSeenAt, row.Revision, row.Phase,
                    row.ActiveRevision, row.Message, row.LastSeenAt >= liveSince))
                .ToListAsync(cancellationToken))
            .ToLookup(row => row.Deployment);
        return ids.ToDictionary(id => id, id => new BoardRow(last.GetValueOrDefault(id), [.. agents[id]], revisions.GetValueOrDefault(id)));
    }

    /// <summary>A text that is another one as soon as a page about the Deployment would show something else.</summary>
    public async Task<string> StampAsync(DeploymentId id, CancellationToken cancellationToken)
    {
        var liveSince = clock.GetUtcNow() - options.Value.LiveFor;
        var deployment = await db.Deployments.Where(row => row.Id == id && row.DeletedAt == null)
            .Select(row => new { row.Revision, row.DeployCount, row.LastVersionTicks, row.UpdatedAt }).SingleOrDefaultAsync(cancellationToken);
        var agents = await db.Agents.Where(row => row.DeploymentId == id).OrderBy(row => row.Id)
            .Select(row => new { row.ReportedAt, row.ActiveRevision, IsLive = row.LastSeenAt >= liveSince }).ToListAsync(cancellationToken);
        // Ticks: as a text a time has no more than seconds, and agents prepare and activate within one.
        return string.Join(' ', agents.Select(agent => $"{agent.ReportedAt?.UtcTicks} {agent.ActiveRevision} {agent.IsLive}")
            .Prepend($"{deployment?.Revision} {deployment?.DeployCount} {deployment?.LastVersionTicks} {deployment?.UpdatedAt.UtcTicks}"));
    }

    /// <summary>The same for all Deployments that somebody sees.</summary>
    public async Task<string> StampAsync(IQueryable<Deployment> visible, CancellationToken cancellationToken)
    {
        var liveSince = clock.GetUtcNow() - options.Value.LiveFor;
        var deployments = await visible.GroupBy(_ => 1)
            .Select(all => new { Count = all.Count(), Revisions = all.Sum(row => row.Revision), Deploys = all.Sum(row => row.DeployCount), Updated = all.Max(row => row.UpdatedAt) })
            .SingleOrDefaultAsync(cancellationToken);
        var agents = await db.Agents.Where(row => visible.Any(deployment => deployment.Id == row.DeploymentId)).GroupBy(_ => 1)
            .Select(all => new { Count = all.Count(), Live = all.Count(row => row.LastSeenAt >= liveSince), Active = all.Sum(row => row.ActiveRevision), Reported = all.Max(row => row.ReportedAt) })
            .SingleOrDefaultAsync(cancellationToken);
        return $"{deployments?.Count} {deployments?.Revisions} {deployments?.Deploys} {deployments?.Updated.UtcTicks} "
            + $"{agents?.Count} {agents?.Live} {agents?.Active} {agents?.Reported?.UtcTicks}";
    }
}
