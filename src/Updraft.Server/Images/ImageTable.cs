using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;

namespace Updraft.Server.Images;

internal static class ImageTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<Image> Images => db.Set<Image>();

        /// <summary>Records that a deploy uses an image. Call it inside a write transaction.</summary>
        /// <exception cref="ApiException">503: the image is being deleted.</exception>
        public async Task PinImageAsync(DeploymentId deployment, ResolvedImage image, DateTimeOffset now,
            CancellationToken cancellationToken)
        {
            var images = db.Set<Image>();
            foreach (var deleted in await images.AsNoTracking().Where(row => row.DeploymentId == deployment && row.DeletedAt != null)
                .ToListAsync(cancellationToken))
                deleted.RejectDuringDeletion(image);
            if (await images.FindAsync([deployment, image.Digest], cancellationToken) is { } known)
            {
                known.Restore();
                known.PinnedAt = now;
                return;
            }
            images.Add(new Image
            {
                DeploymentId = deployment,
                Digest = image.Digest,
                Repository = image.Repository,
                RuntimeVersion = image.RuntimeVersion,
                AirflowVersion = image.AirflowVersion,
                Architectures = image.Architectures,
                Parts = image.Parts,
                Bytes = image.Bytes,
                PinnedAt = now,
            });
        }

        /// <summary>Implements <see cref="ReadImageRuntimes"/>. Deleted images are included, because their runtime still exists.</summary>
        public async Task<IReadOnlyList<SeenRuntime>> ReadImageRuntimesAsync(IQueryable<Deployment> deployments,
            CancellationToken cancellationToken)
        {
            var rows = await db.Set<Image>().Where(image => image.RuntimeVersion != "").Join(deployments, image => image.DeploymentId,
                    deployment => deployment.Id, (image, _) => image)
                .GroupBy(image => image.RuntimeVersion)
                .Select(group => new
                {
                    Version = group.Key,
                    Airflow = group.Max(image => image.AirflowVersion),
                    Since = group.Min(image => image.PinnedAt),
                })
                .ToListAsync(cancellationToken);
            return [.. rows.Select(row => new SeenRuntime(row.Version, row.Airflow ?? "", row.Since))];
        }

        /// <summary>Checks that a rollback can use an image. Call it inside a write transaction.</summary>
        /// <exception cref="ApiException">400: the image was deleted.</exception>
        public async Task CheckImageAsync(DeploymentId deployment, string digest, CancellationToken cancellationToken)
        {
            if (await db.Set<Image>().AsNoTracking().SingleOrDefaultAsync(row => row.DeploymentId == deployment && row.Digest == digest
                && row.DeletedAt != null, cancellationToken) is { } image)
            {
                throw new ApiException(ImageErrors.ImageDeleted, $"The image {image.Repository}@{digest} of that deploy was deleted on "
                    + $"{image.DeletedAt:yyyy-MM-dd} by the image retention. Push the image again with a new deploy.");
            }
        }
    }

    internal sealed class Mapping : IEntityTypeConfiguration<Image>
    {
        public void Configure(EntityTypeBuilder<Image> builder)
        {
            builder.ToTable("images");
            builder.HasKey(row => new { row.DeploymentId, row.Digest });
            builder.Property(row => row.Digest).HasMaxLength(80);
            builder.Property(row => row.Architectures).HasJson();
            builder.Property(row => row.Parts).HasJson();
            builder.Ignore(row => row.Manifests);
            // For the retention: images that were pinned long ago and are not deleted yet, or whose deletion was interrupted.
            builder.HasIndex(row => new { row.GoneAt, row.PinnedAt });
        }
    }
}
