using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Bundles;
using Updraft.Server.Database;

namespace Updraft.Server.Uploads;

/// <summary>
/// The right to upload to a deploy for one purpose. Creating the deploy creates the slot, and finalizing the deploy closes it. Then the
/// upload URL returns 403, and no upload can change the deploy.
/// </summary>
internal sealed class UploadSlot
{
    public required DeployId DeployId { get; init; }

    public required BundlePurpose Purpose { get; init; }

    public required DeploymentId DeploymentId { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Null while the slot accepts uploads.</summary>
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
