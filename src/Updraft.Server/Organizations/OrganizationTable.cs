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
        /// The Organization, first in a write transaction that changes it, or its Workspaces, tokens, people or roles: others that do wait.
        /// </summary>
        /// <exception cref="ApiException">404: no such Organization.</exception>
        public async Task<Organization> LockOrganizationAsync(OrganizationId id, CancellationToken cancellationToken) =>
            (await db.LockRowsAsync<Organization>("SELECT * FROM organizations WHERE id = {0}", id.Value, cancellationToken)).SingleOrDefault()
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
