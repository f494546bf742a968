using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Database;

namespace Updraft.Server.Events;

/// <summary>
/// Removes events that are older than they are kept, every hour and a thousand at a time, so that nobody waits long for the database.
/// Every server does it; what is gone already is no mistake. What is still to be told stays until it was.
/// </summary>
internal sealed class ExpireEvents(IServiceScopeFactory scopes, IOptions<EventOptions> options, TimeProvider clock, ILogger<ExpireEvents> log)
    : BackgroundService
{
    private const int AtOnce = 1000;

    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.KeepDays == 0)
            return;
        using var timer = new PeriodicTimer(Every, clock);
        do
        {
            try
            {
                await RunAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // The next round finds the same events again.
                log.LogWarning(exception, "Old events could not be removed.");
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        var end = clock.GetUtcNow().AddDays(-options.Value.KeepDays);
        for (var removed = AtOnce; removed == AtOnce;)
        {
            await using var scope = scopes.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
            var old = await db.Events.Where(row => row.At < end && !row.IsPending).OrderBy(row => row.At).Select(row => row.Id).Take(AtOnce).ToListAsync(cancellationToken);
            if (old.Count == 0)
                return;
            await using var write = await db.BeginWriteAsync(cancellationToken);
            await db.Events.Where(row => old.Contains(row.Id)).ExecuteDeleteAsync(cancellationToken);
            await write.CommitAsync(cancellationToken);
            removed = old.Count;
        }
    }
}
