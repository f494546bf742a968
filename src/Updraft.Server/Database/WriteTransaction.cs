using Microsoft.EntityFrameworkCore.Storage;

namespace Updraft.Server.Database;

/// <summary>A transaction that writes; one per state change. Disposing it without a commit rolls back.</summary>
/// <param name="transaction">The transaction of the database.</param>
/// <param name="committing">Called before the commit starts, because other connections may see the written data before it returns.</param>
/// <param name="ended">Called after the commit or the rollback.</param>
internal sealed class WriteTransaction(IDbContextTransaction transaction, Action? committing = null, Action? ended = null)
    : IAsyncDisposable
{
    /// <summary>Makes all changes of the transaction visible and durable.</summary>
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
