using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Bundles;
using Updraft.Server.Database;

namespace Updraft.Server.Deploys.Bundles;

/// <summary>
/// Finds deleted bundles that live agents still mount. Only an agent behind the revision that removed the bundle can mount it, so the
/// reports of up-to-date agents are not read.
/// </summary>
internal sealed class PendingBundleDeletions(UpdraftDbContext db, IOptions<AgentOptions> options, TimeProvider clock)
{
    public async Task<IReadOnlyList<BundleId>> ReadAsync(DeploymentId deployment, CancellationToken cancellationToken)
    {
        var liveSince = clock.GetUtcNow() - options.Value.LiveFor;
        var live = db.Agents.AsNoTracking()
            .Where(agent => agent.DeploymentId == deployment && agent.LastSeenAt >= liveSince && agent.ActiveRevision > 0);
        if (await live.MinAsync(agent => (long?)agent.ActiveRevision, cancellationToken) is not { } slowest)
            return [];
        var deleted = await db.Bundles.AsNoTracking().Where(row => row.DeploymentId == deployment && row.DeletedInRevision > slowest)
            .Select(row => new { row.Id, row.Path, Revision = row.DeletedInRevision!.Value })
            .ToListAsync(cancellationToken);
        if (deleted.Count == 0)
            return [];
        var last = deleted.Max(row => row.Revision);
        var reports = await live.Where(agent => agent.ActiveRevision < last).Select(agent => agent.Mounts).ToListAsync(cancellationToken);
        var mounted = reports.SelectMany(mounts => mounts).Select(mount => mount.Path).ToHashSet(StringComparer.Ordinal);
        return [.. deleted.Where(row => mounted.Contains(row.Path)).Select(row => row.Id)];
    }
}
