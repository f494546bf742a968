using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Database;

namespace Updraft.Server.Rollouts;

internal static class ImageBarrierQueries
{
    extension(UpdraftDbContext db)
    {
        /// <summary>The image of the newest revision, and the live agents with an image driver.</summary>
        public async Task<ImageBarrier> ReadBarrierAsync(DeploymentId deployment, long newest, DateTimeOffset liveSince,
            CancellationToken cancellationToken)
        {
            var live = await db.Agents.AsNoTracking()
                .Where(row => row.DeploymentId == deployment && row.ImageDriver != null && row.LastSeenAt >= liveSince)
                .Select(row => new { row.Revision, row.Phase, row.ActiveRevision, row.Image })
                .ToListAsync(cancellationToken);
            if (live.Count == 0)
                return ImageBarrier.None;
            var image = await db.Revisions.AsNoTracking()
                .Where(row => row.DeploymentId == deployment && row.Number == newest && row.ImageTag != "")
                .Select(row => new ImageReference(row.ImageRepository, row.ImageTag, row.ImageDigest))
                .SingleOrDefaultAsync(cancellationToken);
            return new ImageBarrier(newest, image,
                [.. live.Select(row => new ImageStatus(new AgentStatus(row.Revision, row.Phase, row.ActiveRevision), row.Image))]);
        }
    }
}
