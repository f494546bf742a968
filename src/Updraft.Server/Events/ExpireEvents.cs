using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Database;

namespace Updraft.Server.Events;

/// <summary>
/// Removes events that are older than they are kept, every hour and a thousand at a time, so that nobody waits long for the database.
/// What is still to be told stays until it was.
/// </summary>
internal sealed class ExpireEvents(LeaderElection lead, IServiceScopeFactory scopes, IOptions<EventOptions> options, TimeProvider clock, ILogger<ExpireEvents> log)
    : HourlyWork(lead, clock, log, WorkName)
{
    /// <summary>Value of the metric label <c>work</c>.</summary>
    public const string WorkName = "expire_events";

    private const int AtOnce = 1000;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        options.Value.KeepDays == 0 ? Task.CompletedTask : base.ExecuteAsync(stoppingToken);

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        var end = Clock.GetUtcNow().AddDays(-options.Value.KeepDays);
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
