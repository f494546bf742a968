using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys;

/// <summary>Which images of a Deployment are needed: what its revisions name, as far back as one may go, and what may yet be finalized.</summary>
internal sealed class ImagesInUse(UpdraftDbContext db)
{
    /// <summary>Implements <see cref="ReadNeededImages"/>.</summary>
    public async Task<NeededImages> RunAsync(DeploymentId deployment, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var newest = await db.Deployments.Where(row => row.Id == deployment).Select(row => row.Revision).SingleAsync(cancellationToken);
        // Numbers grow with time. The revision before the first young one was what ran until then, so it is young too.
        var firstYoung = await db.Revisions.Where(row => row.DeploymentId == deployment && row.CreatedAt >= since)
            .MinAsync(row => (long?)row.Number, cancellationToken);
        var first = (firstYoung ?? newest + 1) - 1;
        var digests = await db.Revisions.Where(row => row.DeploymentId == deployment && row.Number >= first && row.ImageDigest != null)
            .Select(row => row.ImageDigest!).Distinct().ToListAsync(cancellationToken);
        var tags = await db.Deploys.Where(row => row.DeploymentId == deployment && row.Status == DeployStatus.Initialized && row.CreatedAt >= since
                && (row.Type == DeployType.ImageAndDag || row.Type == DeployType.ImageOnly))
            .Select(row => row.ImageTag).Distinct().ToListAsync(cancellationToken);
        return new(digests.ToHashSet(StringComparer.Ordinal), tags);
    }
}
