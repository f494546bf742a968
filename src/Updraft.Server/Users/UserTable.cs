using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Users;

internal static class UserTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<User> Users => db.Set<User>();
    }

    internal sealed class Mapping : IEntityTypeConfiguration<User>
    {
        public void Configure(EntityTypeBuilder<User> builder)
        {
            builder.ToTable("users");
            builder.HasKey(row => row.Id);
            builder.HasGrants(row => row.Grants, "user_grants", "UserId");
            builder.HasIndex(row => new { row.Issuer, row.ExternalId }).IsUnique();
            builder.HasIndex(row => new { row.OrganizationId, row.Username });
        }
    }
}
