using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Server.Database;

namespace Updraft.Server.Bundles;

internal static class BundleVersionTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<BundleVersion> BundleVersions => db.Set<BundleVersion>();

        public DbSet<BundleContent> BundleContents => db.Set<BundleContent>();
    }

    internal sealed class Mapping : IEntityTypeConfiguration<BundleVersion>, IEntityTypeConfiguration<BundleContent>
    {
        public void Configure(EntityTypeBuilder<BundleVersion> builder)
        {
            builder.ToTable("bundle_versions");
            builder.HasKey(row => new { row.DeploymentId, row.Version });
            builder.Property(row => row.Warnings).HasJson();
            builder.HasIndex(row => new { row.DeploymentId, row.ManifestDigest });
        }

        public void Configure(EntityTypeBuilder<BundleContent> builder)
        {
            builder.ToTable("bundle_contents");
            builder.HasKey(row => new { row.DeploymentId, row.Content });
        }
    }
}
