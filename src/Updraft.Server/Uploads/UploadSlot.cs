using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Bundles;
using Updraft.Server.Database;

namespace Updraft.Server.Uploads;

/// <summary>
/// Permission to upload to a deploy for one purpose. Created with the deploy, closed by its finalize: afterwards the
/// address answers 403, and nothing more can be added to the deploy.
/// </summary>
internal sealed class UploadSlot
{
    public required DeployId DeployId { get; init; }

    public required BundlePurpose Purpose { get; init; }

    public required DeploymentId DeploymentId { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? ClosedAt { get; set; }
}

internal static class UploadSlotTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<UploadSlot> UploadSlots => db.Set<UploadSlot>();
    }

    internal sealed class Mapping : IEntityTypeConfiguration<UploadSlot>
    {
        public void Configure(EntityTypeBuilder<UploadSlot> builder)
        {
            builder.ToTable("upload_slots");
            builder.HasKey(row => new { row.DeployId, row.Purpose });
            builder.HasIndex(row => row.CreatedAt);
            builder.HasIndex(row => row.ClosedAt);
        }
    }
}
