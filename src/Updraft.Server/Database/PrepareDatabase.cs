using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Updraft.Server.Database;

/// <summary>
/// Brings the schema to this program's version while no other server does anything of the kind. A schema that is newer than the program
/// is left alone: during a rolling upgrade servers of two versions work on it.
/// </summary>
internal sealed partial class PrepareDatabase(UpdraftDbContext db, IOptions<DatabaseOptions> options, ILogger<PrepareDatabase> log)
{
    // Any number; that of the word would do as well. Advisory locks belong to one database of the cluster.
    private const long StartLock = 0x7570_6472_6166_74;

    /// <summary>Waits until no other server starts on this database, and keeps others waiting until the result is disposed.</summary>
    /// <exception cref="IOException">The database cannot be used; the message says why.</exception>
    public async Task<IAsyncDisposable> LockMigrationsAsync(CancellationToken cancellationToken)
    {
        if (!options.Value.IsShared)
            return new NoOpLock();
        var connection = new NpgsqlConnection(options.Value.ForOne().ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            if (await AskAsync(connection, "SHOW server_encoding", cancellationToken) is not "UTF8" and var encoding)
                throw new IOException($"the database is encoded in {encoding}; create it with ENCODING 'UTF8'.");
            if (await AskAsync(connection, $"SELECT pg_try_advisory_lock({StartLock})", cancellationToken) is not true)
            {
                LogWaits();
                await AskAsync(connection, $"SELECT pg_advisory_lock({StartLock})", cancellationToken);
            }
            return connection;
        }
        catch (NpgsqlException exception)
        {
            await connection.DisposeAsync();
            throw new IOException($"PostgreSQL does not let it in: {exception.Message}", exception);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Brings the schema to this program's version. Safe to repeat. Only on this server's turn.</summary>
    /// <exception cref="IOException">The schema is too new for this program, or an import into the database has not ended.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await MigrateSchemaAsync(cancellationToken);
        if (await db.ServerFacts.SingleOrDefaultAsync(row => row.Name == ServerFact.UnfinishedImport, cancellationToken) is { } import)
            throw new IOException($"an import into this database has not ended. Run it again, it goes on where it was: import --From '{import.Value}'.");
    }

    /// <summary>The same for who is about to fill the database.</summary>
    /// <exception cref="IOException">The schema is too new for this program.</exception>
    public async Task MigrateSchemaAsync(CancellationToken cancellationToken)
    {
        if (options.Value.IsShared)
        {
            await using var patient = DatabaseServices.OpenWithoutTimeout(options.Value);
            await MigrateAsync(patient, cancellationToken);
            return;
        }
        // The migrations' own lock is a row. Who is killed leaves it, and the next start would wait for it for ever. Nobody else can
        // hold it while this process holds the data folder.
        await db.Database.ExecuteSqlRawAsync("""DROP TABLE IF EXISTS "__EFMigrationsLock";""", cancellationToken);
        await MigrateAsync(db, cancellationToken);
    }

    private async Task MigrateAsync(UpdraftDbContext context, CancellationToken cancellationToken)
    {
        var known = context.Database.GetMigrations().ToHashSet(StringComparer.Ordinal);
        var unknown = (await context.Database.GetAppliedMigrationsAsync(cancellationToken)).Where(id => !known.Contains(id)).ToList();
        if (unknown.Count == 0)
        {
            await context.Database.MigrateAsync(cancellationToken);
            return;
        }
        var oldest = await context.ServerFacts.Where(row => row.Name == ServerFact.OldestSchema).Select(row => row.Value)
            .SingleOrDefaultAsync(cancellationToken);
        if (oldest is not null && !known.Contains(oldest))
        {
            throw new IOException($"the database was brought to '{unknown[^1]}' by a newer Updraft, and programs that do not know '{oldest}' cannot "
                + "work on it any more. Start that version or a later one, or restore a backup from before.");
        }
        LogNewer(unknown[^1]);
    }

    private static async Task<object?> AskAsync(DbConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteScalarAsync(cancellationToken);
    }

    /// <summary>Nobody else is there: the data folder is locked.</summary>
    private sealed class NoOpLock : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    [LoggerMessage(1, LogLevel.Information, "Another server prepares the database; this one waits for it.")]
    private partial void LogWaits();

    [LoggerMessage(2, LogLevel.Warning, "The database's schema is newer than this program: {Schema}. It says that this program can work on it.")]
    private partial void LogNewer(string schema);
}
