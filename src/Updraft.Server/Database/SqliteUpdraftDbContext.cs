using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
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
            return new WriteTransaction(await Database.BeginTransactionAsync(cancellationToken), gate.CommitBegins, gate.Leave);
        }
        catch
        {
            gate.Leave();
            throw;
        }
    }

    public override Task AnnounceAtCommitAsync(string news, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>
/// SQLite has one writer. Waiting for the turn here is fair and wakes at once; waiting inside SQLite polls.
/// </summary>
/// <param name="cache">What was read, and is outdated by each commit; null where nothing is kept.</param>
internal sealed class SqliteWriterGate(ReadCache? cache = null) : IDisposable
{
    public SemaphoreSlim Turn { get; } = new(1, 1);

    /// <summary>From now on others may see what was written.</summary>
    public void CommitBegins() => cache?.CommitBegins();

    /// <summary>The transaction has ended; the turn is the next one's.</summary>
    public void Leave()
    {
        cache?.CommitEnds();
        Turn.Release();
    }

    public void Dispose() => Turn.Dispose();
}

/// <summary>
/// Sets what SQLite forgets with each connection. Connections come back from a pool as they were left, so only a new one is told: four
/// statements more would cost every query as much again.
/// </summary>
internal sealed class SqlitePragmas : DbConnectionInterceptor
{
    private const string Pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000;";

    private readonly ConditionalWeakTable<object, object?> _told = [];

    public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData)
    {
        var handle = ((SqliteConnection)connection).Handle!;
        if (_told.TryGetValue(handle, out _))
            return;
        using var command = connection.CreateCommand();
        command.CommandText = Pragmas;
        command.ExecuteNonQuery();
        _told.AddOrUpdate(handle, null);
    }

    // SQLite knows no waiting but the blocking one.
    public override Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData,
        CancellationToken cancellationToken = default)
    {
        ConnectionOpened(connection, eventData);
        return Task.CompletedTask;
    }
}
