using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Server.Database;
using Updraft.Server.Deployments;

namespace Updraft.Server.Rollouts;

internal static class RevisionTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<Revision> Revisions => db.Set<Revision>();

        /// <summary>The newest revision of a Deployment, by the number in its row; null before the first finalize.</summary>
        public Task<Revision?> NewestRevisionAsync(Deployment deployment, CancellationToken cancellationToken)
        {
            var (id, number) = (deployment.Id, deployment.Revision);
            return db.Set<Revision>().AsNoTracking()
                .SingleOrDefaultAsync(row => row.DeploymentId == id && row.Number == number, cancellationToken);
        }
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
            builder.Ignore(row => row.Image);
        }
    }
}
