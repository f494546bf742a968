using Microsoft.EntityFrameworkCore.Storage;

namespace Updraft.Server.Database;

/// <summary>A transaction that writes. One per state change; commit or nothing.</summary>
/// <param name="transaction">The database's.</param>
/// <param name="committing">Called before the database begins to commit: from then on others may see what was written.</param>
/// <param name="ended">Called at the end, whichever it is.</param>
internal sealed class WriteTransaction(IDbContextTransaction transaction, Action? committing = null, Action? ended = null) : IAsyncDisposable
{
    /// <summary>Makes everything in the transaction durable.</summary>
    public Task CommitAsync(CancellationToken cancellationToken)
    {
        committing?.Invoke();
        return transaction.CommitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await transaction.DisposeAsync();
        }
        finally
        {
            ended?.Invoke();
        }
    }
}
