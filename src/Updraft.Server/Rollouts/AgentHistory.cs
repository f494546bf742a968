using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Database;

namespace Updraft.Server.Rollouts;

/// <summary>A time interval in which a revision was active at one agent.</summary>
/// <param name="Revision">The revision.</param>
/// <param name="Version">Its version of the default DAG bundle; null without one.</param>
/// <param name="From">When the agent activated the revision.</param>
/// <param name="Until">When the agent activated another revision, or was no longer live; null if the revision is still active.</param>
public sealed record AgentRevisionInterval(long Revision, string? Version, DateTimeOffset From, DateTimeOffset? Until);

/// <summary>Reads which revisions agents ran at which times. Reports exist for the newest 100 revisions.</summary>
internal sealed class AgentHistory(UpdraftDbContext db, IOptions<AgentOptions> options, TimeProvider clock)
{
    public async Task<IReadOnlyList<AgentRevisionInterval>> ReadAsync(DeploymentId id, CancellationToken cancellationToken)
    {
        var reports = await db.RevisionReports.Where(row => row.DeploymentId == id && row.ActiveAt != null)
            .Select(row => new { row.AgentId, row.Revision, At = row.ActiveAt!.Value }).ToListAsync(cancellationToken);
        if (reports.Count == 0)
            return [];
        var lastSeen = await db.Agents.Where(row => row.DeploymentId == id).Select(row => new { row.Id, row.LastSeenAt })
            .ToDictionaryAsync(row => row.Id, row => row.LastSeenAt, cancellationToken);
        var numbers = reports.Select(row => row.Revision).Distinct().ToList();
        var versions = (await db.Revisions.AsNoTracking().Where(row => row.DeploymentId == id && numbers.Contains(row.Number))
            .Select(row => new { row.Number, row.Mounts }).ToListAsync(cancellationToken))
            .ToDictionary(row => row.Number, row => row.Mounts.FirstOrDefault(mount => mount.Path == Bundles.Bundle.MainPath)?.Version);
        var liveSince = clock.GetUtcNow() - options.Value.LiveFor;
        var intervals = new List<AgentRevisionInterval>();
        foreach (var agent in reports.GroupBy(row => row.AgentId))
        {
            var steps = agent.OrderBy(row => row.At).ThenBy(row => row.Revision).ToList();
            // The row of a forgotten agent is gone, so the end of its last interval is unknown; that interval gets no length.
            DateTimeOffset? end = !lastSeen.TryGetValue(agent.Key, out var last) ? steps[^1].At
                : last < liveSince ? last + options.Value.LiveFor : null;
            for (var i = 0; i < steps.Count; i++)
            {
                intervals.Add(new(steps[i].Revision, versions.GetValueOrDefault(steps[i].Revision), steps[i].At,
                    i + 1 < steps.Count ? steps[i + 1].At : end));
            }
        }
        return intervals;
    }
}
