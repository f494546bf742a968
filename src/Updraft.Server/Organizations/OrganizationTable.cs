using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Server.Database;

namespace Updraft.Server.Organizations;

internal static class OrganizationTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<Organization> Organizations => db.Set<Organization>();
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
