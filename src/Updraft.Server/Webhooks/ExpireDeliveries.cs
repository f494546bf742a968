using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Database;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Webhooks;

/// <summary>Forgets old deliveries, and webhooks whose Workspace was deleted, every hour.</summary>
internal sealed partial class ExpireDeliveries(IServiceScopeFactory scopes, IOptions<WebhookOptions> options, TimeProvider clock, ILogger<ExpireDeliveries> log)
    : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        do
        {
            try
            {
                await RunAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var before = clock.GetUtcNow() - options.Value.KeepFor;
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.WebhookDeliveries.Where(row => row.CreatedAt < before && row.Status != DeliveryStatus.Pending).ExecuteDeleteAsync(cancellationToken);
        await db.Webhooks.Where(row => !db.Set<Workspace>().Any(workspace => workspace.Id == row.WorkspaceId)).ExecuteDeleteAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    [LoggerMessage(1, LogLevel.Warning, "Old deliveries of webhooks could not be removed; the next round finds them again.")]
    private partial void LogFailed(Exception exception);
}
