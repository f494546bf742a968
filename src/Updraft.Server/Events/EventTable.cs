using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Server.Database;

namespace Updraft.Server.Events;

internal static class EventTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<Event> Events => db.Set<Event>();
    }

    internal sealed class Mapping : IEntityTypeConfiguration<Event>
    {
        public void Configure(EntityTypeBuilder<Event> builder)
        {
            builder.ToTable("events");
            builder.HasKey(row => row.Id);
            builder.Property(row => row.Details).HasJson();
            // A page of the log is a range of one of these indexes, read backwards, so its cost does not grow with the log.
            builder.HasIndex(row => new { row.OrganizationId, row.At, row.Id });
            builder.HasIndex(row => new { row.OrganizationId, row.WorkspaceId, row.At, row.Id });
            builder.HasIndex(row => new { row.OrganizationId, row.DeploymentId, row.At, row.Id });
            // A filter for one type must not read the whole log.
            builder.HasIndex(row => new { row.OrganizationId, row.Type, row.At, row.Id });
            // For the deletion of old events.
            builder.HasIndex(row => row.At);
            // The events whose webhook deliveries are not enqueued; usually none or few.
            builder.HasIndex(row => new { row.At, row.Id }).HasFilter("is_pending");
        }
    }
}
