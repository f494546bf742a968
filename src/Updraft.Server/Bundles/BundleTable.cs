using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Database;

namespace Updraft.Server.Bundles;

internal static class BundleTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<Bundle> Bundles => db.Set<Bundle>();

        public DbSet<BundleMove> BundleMoves => db.Set<BundleMove>();

        /// <summary>The bundles of a Deployment that are not deleted.</summary>
        public IQueryable<Bundle> LiveBundles(DeploymentId deployment) =>
            db.Set<Bundle>().Where(row => row.DeploymentId == deployment && row.DeletedAt == null);
    }

    internal sealed class Mapping : IEntityTypeConfiguration<Bundle>, IEntityTypeConfiguration<BundleMove>
    {
        public void Configure(EntityTypeBuilder<Bundle> builder)
        {
            builder.ToTable("bundles");
            builder.HasKey(row => row.Id);
            builder.Property(row => row.DagBundleIds).HasJson();
            builder.Ignore(row => row.IsDag).Ignore(row => row.IsDefault);
            builder.HasIndex(row => new { row.DeploymentId, row.Path }).IsUnique();
            builder.HasIndex(row => new { row.DeploymentId, row.CreatedAt, row.Id });
        }

        public void Configure(EntityTypeBuilder<BundleMove> builder)
        {
            builder.ToTable("bundle_moves");
            builder.HasKey(row => new { row.BundleId, row.Revision });
        }
    }
}
