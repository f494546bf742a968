using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Server.Database;

namespace Updraft.Server.Deploys;

internal static class DeployTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<Deploy> Deploys => db.Set<Deploy>();
    }

    internal sealed class Mapping : IEntityTypeConfiguration<Deploy>
    {
        public void Configure(EntityTypeBuilder<Deploy> builder)
        {
            builder.ToTable("deploys");
            builder.HasKey(row => row.Id);
            builder.Property(row => row.Git).HasJson();
            builder.Ignore(row => row.Target);
            // Numbers have no gaps, so a page of the history is a range of this index at any depth.
            builder.HasIndex(row => new { row.DeploymentId, row.Number }).IsUnique();
            // A filter with few matches must not read the whole history.
            builder.HasIndex(row => new { row.DeploymentId, row.Status, row.Number });
            builder.HasIndex(row => new { row.DeploymentId, row.Type, row.Number });
            builder.HasIndex(row => new { row.DeploymentId, row.CreatedById, row.Number });
        }
    }
}
