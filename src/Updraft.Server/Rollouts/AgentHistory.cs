using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Database;

namespace Updraft.Server.Rollouts;

/// <summary>A span of time in which an agent had one revision active.</summary>
/// <param name="Revision">The revision.</param>
/// <param name="Version">Its version of the default DAG bundle; null when it has none.</param>
/// <param name="From">When the agent made it active.</param>
/// <param name="Until">When the agent made another one active, or ceased to be live; null when it still has it.</param>
public sealed record AgentRevisionInterval(long Revision, string? Version, DateTimeOffset From, DateTimeOffset? Until);

/// <summary>Reads which agent ran what when, as far as reports of agents are kept: the newest hundred revisions.</summary>
internal sealed class AgentHistory(UpdraftDbContext db, IOptions<AgentOptions> options, TimeProvider clock)
{
    public async Task<IReadOnlyList<AgentRevisionInterval>> ReadAsync(DeploymentId id, CancellationToken cancellationToken)
    {
        var reports = await db.RevisionReports.Where(row => row.DeploymentId == id && row.ActiveAt != null)
            .Select(row => new { row.AgentId, row.Revision, At = row.ActiveAt!.Value }).ToListAsync(cancellationToken);
        if (reports.Count == 0)
            return [];
        var seen = await db.Agents.Where(row => row.DeploymentId == id).Select(row => new { row.Id, row.LastSeenAt }).ToDictionaryAsync(row => row.Id, row => row.LastSeenAt, cancellationToken);
        var numbers = reports.Select(row => row.Revision).Distinct().ToList();
        var versions = (await db.Revisions.AsNoTracking().Where(row => row.DeploymentId == id && numbers.Contains(row.Number))
            .Select(row => new { row.Number, row.Mounts }).ToListAsync(cancellationToken))
            .ToDictionary(row => row.Number, row => row.Mounts.FirstOrDefault(mount => mount.Path == Bundles.Bundle.MainPath)?.Version);
        var dead = clock.GetUtcNow() - options.Value.LiveFor;
        var stretches = new List<AgentRevisionInterval>();
        foreach (var agent in reports.GroupBy(row => row.AgentId))
        {
            var steps = agent.OrderBy(row => row.At).ThenBy(row => row.Revision).ToList();
            // Of an agent that is forgotten nobody knows how long it had its last one.
            DateTimeOffset? end = !seen.TryGetValue(agent.Key, out var last) ? steps[^1].At : last < dead ? last + options.Value.LiveFor : null;
            for (var i = 0; i < steps.Count; i++)
                stretches.Add(new(steps[i].Revision, versions.GetValueOrDefault(steps[i].Revision), steps[i].At, i + 1 < steps.Count ? steps[i + 1].At : end));
        }
        return stretches;
    }
}
