using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Database;

namespace Updraft.Server.Rollouts;

/// <summary>
/// Reads the live state of a Deployment: the mounts of the live agent that is furthest behind. So a version counts as current only when all
/// live agents run it. Without a live agent, all known agents count.
/// </summary>
internal sealed class CurrentVersions(UpdraftDbContext db, IOptions<AgentOptions> options, TimeProvider clock)
{
    /// <summary>Versions by path below the agent's root; empty without a report.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ReadAsync(DeploymentId deployment, CancellationToken cancellationToken)
    {
        var liveSince = clock.GetUtcNow() - options.Value.LiveFor;
        var mounts = await db.Agents.AsNoTracking()
            .Where(agent => agent.DeploymentId == deployment)
            .OrderByDescending(agent => agent.LastSeenAt >= liveSince)
            .ThenBy(agent => agent.ActiveRevision)
            .ThenBy(agent => agent.Id)
            .Select(agent => agent.Mounts)
            .FirstOrDefaultAsync(cancellationToken);
        return ByPath(mounts ?? []);
    }

    public static IReadOnlyDictionary<string, string> ByPath(IReadOnlyList<MountReport> mounts) =>
        mounts.ToDictionary(mount => mount.Path, mount => mount.Version, StringComparer.Ordinal);
}
