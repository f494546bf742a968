using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Database;

namespace Updraft.Server.Rollouts;

/// <summary>
/// What a Deployment runs, as its agents say: the mounts of the live agent that is furthest behind, so that a version
/// counts as current only when everybody has it. Without a live agent every known one is asked.
/// </summary>
internal sealed class CurrentVersions(UpdraftDbContext db, IOptions<AgentOptions> options, TimeProvider clock)
{
    /// <summary>Versions by the mount's path below the agent's root; empty when nothing was reported.</summary>
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

    /// <summary>The versions of a report.</summary>
    public static IReadOnlyDictionary<string, string> ByPath(IReadOnlyList<MountReport> mounts) =>
        mounts.ToDictionary(mount => mount.Path, mount => mount.Version, StringComparer.Ordinal);
}
