using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Updraft.Server.Events;

namespace Updraft.Server.Webhooks;

/// <summary>Wakes the dispatcher when a transaction commits that has recorded an event, without whoever recorded it knowing of webhooks.</summary>
internal sealed class WakeAtCommit(WebhookSignal signal) : DbTransactionInterceptor
{
    public override Task TransactionCommittedAsync(DbTransaction transaction, TransactionEndEventData eventData, CancellationToken cancellationToken = default)
    {
        if (eventData.Context?.ChangeTracker.Entries<Event>().Any(entry => entry.Entity.IsPending) == true)
            signal.Announce();
        return Task.CompletedTask;
    }
}
