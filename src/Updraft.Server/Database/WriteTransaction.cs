using Microsoft.EntityFrameworkCore.Storage;

namespace Updraft.Server.Database;

/// <summary>A transaction that writes. One per state change; commit or nothing.</summary>
internal sealed class WriteTransaction(IDbContextTransaction transaction, Action? release) : IAsyncDisposable
{
    /// <summary>Makes everything in the transaction durable.</summary>
    public Task CommitAsync(CancellationToken cancellationToken) => transaction.CommitAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await transaction.DisposeAsync();
        }
        finally
        {
            release?.Invoke();
        }
    }
}
