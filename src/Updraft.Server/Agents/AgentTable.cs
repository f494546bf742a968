using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Server.Database;

namespace Updraft.Server.Agents;

internal static class AgentTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<Agent> Agents => db.Set<Agent>();
    }

    internal sealed class Mapping : IEntityTypeConfiguration<Agent>
    {
        public void Configure(EntityTypeBuilder<Agent> builder)
        {
            builder.ToTable("agents");
            builder.HasKey(row => row.Id);
            builder.Property(row => row.Mounts).HasJson();
            builder.Property(row => row.Image).HasJson();
            builder.HasIndex(row => new { row.DeploymentId, row.InstanceId }).IsUnique();
            // The agents of an image barrier; usually none or few.
            builder.HasIndex(row => row.DeploymentId).HasFilter("image_driver IS NOT NULL");
        }
    }
}
