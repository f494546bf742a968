using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Server.Database;

namespace Updraft.Server.Rollouts;

internal static class RevisionTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<Revision> Revisions => db.Set<Revision>();
    }

    internal sealed class Mapping : IEntityTypeConfiguration<Revision>
    {
        public void Configure(EntityTypeBuilder<Revision> builder)
        {
            builder.ToTable("revisions");
            builder.HasKey(row => new { row.DeploymentId, row.Number });
            builder.Property(row => row.Mounts).HasJson();
            builder.Property(row => row.TraceParent).HasMaxLength(Protocol.TraceParent.Length);
            builder.Ignore(row => row.Dags);
        }
    }
}
