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

        /// <summary>
        /// Locks a live Deployment until the transaction ends. Call it first in a write transaction that changes the Deployment or its
        /// rows.
        /// </summary>
        /// <exception cref="ApiException">404: no such Deployment, or it was deleted.</exception>
        public async Task<Deployment> LockDeploymentAsync(DeploymentId id, CancellationToken cancellationToken) =>
            await db.TryLockDeploymentAsync(id, cancellationToken) ?? throw ApiException.NotFound("Deployment", id.Value);

        /// <summary>As <see cref="LockDeploymentAsync"/>, but returns null instead of the error.</summary>
        public async Task<Deployment?> TryLockDeploymentAsync(DeploymentId id, CancellationToken cancellationToken) =>
            (await db.LockRowsAsync<Deployment>("SELECT * FROM deployments WHERE id = {0} AND deleted_at IS NULL", id.Value,
                cancellationToken))
                .SingleOrDefault();
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
            // A new Deployment may have the name of a deleted one.
            builder.HasIndex(row => new { row.WorkspaceId, row.Name }).IsUnique().HasFilter("deleted_at IS NULL");
        }
    }
}
