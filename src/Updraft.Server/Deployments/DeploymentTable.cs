using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;

namespace Updraft.Server.Deployments;

internal static class DeploymentTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<Deployment> Deployments => db.Set<Deployment>();

        /// <summary>The live Deployment, for changing it inside a write transaction.</summary>
        /// <exception cref="ApiException">404: no such Deployment, or it was deleted.</exception>
        public async Task<Deployment> LockDeploymentAsync(DeploymentId id, CancellationToken cancellationToken) =>
            await db.Set<Deployment>().SingleOrDefaultAsync(row => row.Id == id && row.DeletedAt == null, cancellationToken)
            ?? throw ApiException.NotFound("Deployment", id.Value);
    }

    internal sealed class Mapping : IEntityTypeConfiguration<Deployment>
    {
        public void Configure(EntityTypeBuilder<Deployment> builder)
        {
            builder.ToTable("deployments");
            builder.HasKey(row => row.Id);
            builder.Property(row => row.Settings).HasJson();
            builder.HasIndex(row => new { row.OrganizationId, row.WorkspaceId });
            builder.HasIndex(row => row.Namespace).IsUnique();
            // The name of a deleted Deployment is free again.
            builder.HasIndex(row => new { row.WorkspaceId, row.Name }).IsUnique().HasFilter("deleted_at IS NULL");
        }
    }
}
