using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Database;
using Updraft.Server.Storage;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Uploads;

/// <summary>
/// Deletes the staged blocks that no request can commit any longer, at the start and every hour. These are the blocks of closed slots,
/// and of slots with an expired upload URL. The row of a closed slot stays until its URL has expired, so that a late upload gets the
/// reason.
/// </summary>
internal sealed class ExpireUploads(IServiceScopeFactory scopes, IBlobStore blobs, StagingBudget budget, IOptions<UploadOptions> options,
    TimeProvider clock, ILogger<ExpireUploads> log) : BackgroundService
{
    /// <summary>Value of the metric label <c>work</c>.</summary>
    public const string WorkName = "expire_uploads";

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1), LongestUrlLifetime = TimeSpan.FromHours(24);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            try
            {
                await RunAsync(stoppingToken);
                BackgroundWork.Succeeded(WorkName);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                BackgroundWork.Failed(WorkName);
                // The next round finds the same slots.
                log.LogWarning(exception, "Could not delete expired uploads; retrying in an hour. Until then they use disk space.");
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        // An upload that started just before the URL expired may still run.
        var expired = clock.GetUtcNow() - LongestUrlLifetime - TimeSpan.FromMinutes(options.Value.MaxMinutes);
        var slots = await db.UploadSlots.AsNoTracking()
            .Where(slot => slot.CreatedAt < expired || slot.ClosedAt > DateTimeOffset.UnixEpoch)
            .Select(slot => new UploadGrant(slot.DeploymentId, slot.DeployId, slot.Purpose))
            .ToListAsync(cancellationToken);
        foreach (var slot in slots)
        {
            await blobs.DeleteAllAsync(slot.StagingPrefix, cancellationToken);
            budget.Forget(slot);
        }
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.UploadSlots.Where(slot => slot.CreatedAt < expired).ExecuteDeleteAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }
}
