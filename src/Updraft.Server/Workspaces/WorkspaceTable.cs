using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Server.Database;

namespace Updraft.Server.Workspaces;

internal static class WorkspaceTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<Workspace> Workspaces => db.Set<Workspace>();
    }

    internal sealed class Mapping : IEntityTypeConfiguration<Workspace>
    {
        public void Configure(EntityTypeBuilder<Workspace> builder)
        {
            builder.ToTable("workspaces");
            builder.HasKey(row => row.Id);
            builder.HasIndex(row => new { row.OrganizationId, row.Name }).IsUnique();
        }
    }
}
