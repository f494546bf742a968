using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Updraft.Server.Events;

namespace Updraft.Server.Webhooks;

/// <summary>
/// Signals the dispatcher after the commit of a transaction that recorded an event. So other slices need no reference to webhooks.
/// </summary>
internal sealed class WakeAtCommit(WebhookSignal signal) : DbTransactionInterceptor
{
    public override Task TransactionCommittedAsync(DbTransaction transaction, TransactionEndEventData eventData,
        CancellationToken cancellationToken = default)
    {
        if (eventData.Context?.ChangeTracker.Entries<Event>().Any(entry => entry.Entity.IsPending) == true)
            signal.Announce();
        return Task.CompletedTask;
    }
}
