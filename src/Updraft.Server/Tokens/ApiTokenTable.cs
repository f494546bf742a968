using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

internal static class ApiTokenTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<ApiToken> ApiTokens => db.Set<ApiToken>();
    }

    internal sealed class Mapping : IEntityTypeConfiguration<ApiToken>
    {
        public void Configure(EntityTypeBuilder<ApiToken> builder)
        {
            builder.ToTable("api_tokens");
            builder.HasKey(row => row.Id);
            builder.HasGrants(row => row.Grants, "token_grants", "TokenId");
            builder.HasIndex(row => row.Hash).IsUnique();
            builder.HasIndex(row => new { row.OrganizationId, row.DeploymentId });
            builder.HasIndex(row => new { row.OrganizationId, row.CreatedById });
            builder.HasIndex(row => new { row.OrganizationId, row.UpdatedById });
        }
    }
}
