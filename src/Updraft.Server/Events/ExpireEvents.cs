using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Database;

namespace Updraft.Server.Events;

/// <summary>
/// Removes events that are older than <see cref="EventOptions.KeepDays"/>, every hour. It removes a thousand per transaction, so that other
/// writers wait only a short time. An event that webhooks still have to send stays.
/// </summary>
internal sealed class ExpireEvents(LeaderElection lead, IServiceScopeFactory scopes, IOptions<EventOptions> options, TimeProvider clock,
    ILogger<ExpireEvents> log)
    : HourlyWork(lead, clock, log, WorkName)
{
    /// <summary>Value of the metric label <c>work</c>.</summary>
    public const string WorkName = "expire_events";

    private const int BatchSize = 1000;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        options.Value.KeepDays == 0 ? Task.CompletedTask : base.ExecuteAsync(stoppingToken);

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        var end = Clock.GetUtcNow().AddDays(-options.Value.KeepDays);
        for (var removed = BatchSize; removed == BatchSize;)
        {
            await using var scope = scopes.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
            var old = await db.Events.Where(row => row.At < end && !row.IsPending).OrderBy(row => row.At).Select(row => row.Id)
                .Take(BatchSize).ToListAsync(cancellationToken);
            if (old.Count == 0)
                return;
            await using var write = await db.BeginWriteAsync(cancellationToken);
            await db.Events.Where(row => old.Contains(row.Id)).ExecuteDeleteAsync(cancellationToken);
            await write.CommitAsync(cancellationToken);
            removed = old.Count;
        }
    }
}
