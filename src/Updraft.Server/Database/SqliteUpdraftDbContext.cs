using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Updraft.Server.Database;

/// <summary>The embedded database: SQLite with a write-ahead log, every commit fsynced.</summary>
internal sealed class SqliteUpdraftDbContext(DbContextOptions<SqliteUpdraftDbContext> options, SqliteWriterGate gate)
    : UpdraftDbContext(options)
{
    protected override string RowLock => "";

    public override async Task<WriteTransaction> BeginWriteAsync(CancellationToken cancellationToken)
    {
        ChangeTracker.Clear();
        await gate.Turn.WaitAsync(cancellationToken);
        try
        {
            // BEGIN IMMEDIATE: takes the write lock now, so nothing read inside can be outdated at the commit.
            return new WriteTransaction(await Database.BeginTransactionAsync(cancellationToken), () => gate.Turn.Release());
        }
        catch
        {
            gate.Turn.Release();
            throw;
        }
    }

    public override Task AnnounceAtCommitAsync(string news, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>
/// SQLite has one writer. Waiting for the turn here is fair and wakes at once; waiting inside SQLite polls.
/// </summary>
internal sealed class SqliteWriterGate : IDisposable
{
    public SemaphoreSlim Turn { get; } = new(1, 1);

    public void Dispose() => Turn.Dispose();
}

/// <summary>Sets what SQLite forgets with each connection.</summary>
internal sealed class SqlitePragmas : DbConnectionInterceptor
{
    private const string Pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000;";

    public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData)
    {
        using var command = connection.CreateCommand();
        command.CommandText = Pragmas;
        command.ExecuteNonQuery();
    }

    public override async Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData,
        CancellationToken cancellationToken = default)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = Pragmas;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
