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
            // BEGIN IMMEDIATE takes the write lock at once, so that reads of the transaction stay valid until its commit.
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
/// Admits one writer at a time, as SQLite does. This wait is fair and ends at once; a wait inside of SQLite polls.
/// </summary>
/// <param name="cache">Emptied by each commit; null without a cache.</param>
internal sealed class SqliteWriterGate(ReadCache? cache = null) : IDisposable
{
    public SemaphoreSlim Turn { get; } = new(1, 1);

    /// <summary>Call it before the commit: then other connections can see the written data.</summary>
    public void CommitBegins() => cache?.CommitBegins();

    /// <summary>Call it after the end of the transaction; admits the next writer.</summary>
    public void Leave()
    {
        cache?.CommitEnds();
        Turn.Release();
    }

    public void Dispose() => Turn.Dispose();
}

/// <summary>
/// Sets the pragmas that SQLite needs on each new connection. Pooled connections keep them: five more statements would double the cost of
/// every query.
/// </summary>
internal sealed class SqlitePragmas : DbConnectionInterceptor
{
    // Without it, SQLite writes statement journals and large sorts to /var/tmp, which may be read-only, small, or readable by others.
    private const string InMemory = "PRAGMA temp_store=MEMORY;";

    private const string ForWriting = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000;"
        + InMemory;

    private readonly ConditionalWeakTable<object, object?> _configured = [];

    public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData)
    {
        var handle = ((SqliteConnection)connection).Handle!;
        if (_configured.TryGetValue(handle, out _))
            return;
        using var command = connection.CreateCommand();
        // EF opens a read-only connection to find out whether a database exists; there, WAL mode fails on an empty file.
        var isReadOnly = new SqliteConnectionStringBuilder(connection.ConnectionString).Mode == SqliteOpenMode.ReadOnly;
        command.CommandText = isReadOnly ? InMemory : ForWriting;
        command.ExecuteNonQuery();
        _configured.AddOrUpdate(handle, null);
    }

    // SQLite has no asynchronous calls.
    public override Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData,
        CancellationToken cancellationToken = default)
    {
        ConnectionOpened(connection, eventData);
        return Task.CompletedTask;
    }
}
