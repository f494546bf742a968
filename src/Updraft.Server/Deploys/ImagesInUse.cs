using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys;

/// <summary>
/// Finds the images that retention must keep: those of recent revisions, and the tags of recent deploys that are not finalized. Rollbacks
/// need the former.
/// </summary>
internal sealed class ImagesInUse(UpdraftDbContext db)
{
    /// <summary>Implements <see cref="ReadNeededImages"/>.</summary>
    public async Task<NeededImages> RunAsync(DeploymentId deployment, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var newest = await db.Deployments.Where(row => row.Id == deployment).Select(row => row.Revision).SingleAsync(cancellationToken);
        // Numbers grow with time. The revision before the first recent one ran until then, so it counts as recent.
        var firstRecent = await db.Revisions.Where(row => row.DeploymentId == deployment && row.CreatedAt >= since)
            .MinAsync(row => (long?)row.Number, cancellationToken);
        var first = (firstRecent ?? newest + 1) - 1;
        var digests = await db.Revisions.Where(row => row.DeploymentId == deployment && row.Number >= first && row.ImageDigest != null)
            .Select(row => row.ImageDigest!).Distinct().ToListAsync(cancellationToken);
        var tags = await db.Deploys
            .Where(row => row.DeploymentId == deployment && row.Status == DeployStatus.Initialized && row.CreatedAt >= since
                && (row.Type == DeployType.ImageAndDag || row.Type == DeployType.ImageOnly))
            .Select(row => row.ImageTag).Distinct().ToListAsync(cancellationToken);
        return new(digests.ToHashSet(StringComparer.Ordinal), tags);
    }
}
