using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Database;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Webhooks;

/// <summary>Removes old deliveries, and webhooks of deleted Workspaces, every hour.</summary>
internal sealed class ExpireDeliveries(LeaderElection lead, IServiceScopeFactory scopes, IOptions<WebhookOptions> options,
    TimeProvider clock,
    ILogger<ExpireDeliveries> log) : HourlyWork(lead, clock, log, WorkName)
{
    /// <summary>Value of the metric label <c>work</c>.</summary>
    public const string WorkName = "expire_deliveries";

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var before = Clock.GetUtcNow() - options.Value.KeepFor;
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.WebhookDeliveries.Where(row => row.CreatedAt < before && row.Status != DeliveryStatus.Pending)
            .ExecuteDeleteAsync(cancellationToken);
        await db.Webhooks.Where(row => !db.Set<Workspace>().Any(workspace => workspace.Id == row.WorkspaceId))
            .ExecuteDeleteAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }
}
