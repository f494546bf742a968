using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;

namespace Updraft.Server.Organizations;

internal static class OrganizationTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<Organization> Organizations => db.Set<Organization>();

        /// <summary>
        /// Reads and locks the row of the Organization. Call it first in a write transaction that changes the Organization, its Workspaces,
        /// tokens, users or roles. Other such transactions wait.
        /// </summary>
        /// <exception cref="ApiException">404: the Organization does not exist.</exception>
        public async Task<Organization> LockOrganizationAsync(OrganizationId id, CancellationToken cancellationToken) =>
            (await db.LockRowsAsync<Organization>("SELECT * FROM organizations WHERE id = {0}", id.Value, cancellationToken))
                .SingleOrDefault()
                ?? throw ApiException.NotFound("Organization", id.Value);
    }

    internal sealed class Mapping : IEntityTypeConfiguration<Organization>
    {
        public void Configure(EntityTypeBuilder<Organization> builder)
        {
            builder.ToTable("organizations");
            builder.HasKey(row => row.Id);
        }
    }
}
