using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Database;

namespace Updraft.Server.Webhooks;

internal static class WebhookTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<Webhook> Webhooks => db.Set<Webhook>();

        public DbSet<WebhookDelivery> WebhookDeliveries => db.Set<WebhookDelivery>();

        /// <summary>
        /// Reads and locks a webhook; null if it does not exist. Call it first in a write transaction that changes it or its
        /// deliveries.
        /// </summary>
        public async Task<Webhook?> LockWebhookAsync(WebhookId id, CancellationToken cancellationToken) =>
            (await db.LockRowsAsync<Webhook>("SELECT * FROM webhooks WHERE id = {0}", id.Value, cancellationToken)).SingleOrDefault();

        /// <summary>Aborts the pending deliveries of a webhook. Call it inside a write transaction.</summary>
        public Task AbortPendingAsync(WebhookId id, CancellationToken cancellationToken) => db.Set<WebhookDelivery>()
            .Where(row => row.WebhookId == id && row.Status == DeliveryStatus.Pending)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.Status, DeliveryStatus.Failed), cancellationToken);
    }

    internal sealed class Mapping : IEntityTypeConfiguration<Webhook>
    {
        public void Configure(EntityTypeBuilder<Webhook> builder)
        {
            builder.ToTable("webhooks");
            builder.HasKey(row => row.Id);
            builder.Property(row => row.EventTypes).HasJson();
            builder.HasIndex(row => new { row.OrganizationId, row.WorkspaceId });
        }
    }

    internal sealed class DeliveryMapping : IEntityTypeConfiguration<WebhookDelivery>
    {
        public void Configure(EntityTypeBuilder<WebhookDelivery> builder)
        {
            builder.ToTable("webhook_deliveries");
            builder.HasKey(row => row.Id);
            builder.Property(row => row.Attempts).HasJson();
            builder.HasOne<Webhook>().WithMany().HasForeignKey(row => row.WebhookId).OnDelete(DeleteBehavior.Cascade);
            // An event has one delivery for each webhook, even if two replicas enqueue it.
            builder.HasIndex(row => new { row.WebhookId, row.EventId }).IsUnique();
            builder.HasIndex(row => new { row.Status, row.NextAt });
            builder.HasIndex(row => row.CreatedAt);
        }
    }
}
