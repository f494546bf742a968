using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Database;
using Updraft.Server.Storage;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Uploads;

/// <summary>
/// Removes staged blocks that nobody can commit any more, every hour: those of closed slots, and those of slots whose
/// address has expired. The row of a slot goes with its expiry; until then a late upload learns why it is refused.
/// </summary>
internal sealed class ExpireUploads(IServiceScopeFactory scopes, IBlobStore blobs, StagingBudget budget, IOptions<UploadOptions> options,
    TimeProvider clock, ILogger<ExpireUploads> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromHours(1), LongestAddress = TimeSpan.FromHours(24);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        do
        {
            try
            {
                await RunAsync(stoppingToken);
                BackgroundWork.Succeeded(BackgroundWork.ExpireUploads);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                BackgroundWork.Failed(BackgroundWork.ExpireUploads);
                // The next round finds the same slots again.
                log.LogWarning(exception, "Expired uploads could not be removed.");
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        // An upload that began in the last moment may still be running.
        var expired = clock.GetUtcNow() - LongestAddress - TimeSpan.FromMinutes(options.Value.MaxMinutes);
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
