using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Updraft.Server.Database;

/// <summary>
/// Migrates the schema to the version of this program, on one replica at a time. It does not change a schema that is newer than the
/// program: during a rolling upgrade, replicas of two versions use the same schema.
/// </summary>
internal sealed partial class PrepareDatabase(UpdraftDbContext db, IOptions<DatabaseOptions> options, ILogger<PrepareDatabase> log)
{
    // "updraft" in ASCII. Advisory locks belong to one database of a PostgreSQL cluster.
    private const long MigrationLock = 0x7570_6472_6166_74;

    /// <summary>Waits for the migration lock of the database, and holds it until the caller disposes the result.</summary>
    /// <exception cref="IOException">The database cannot be used; the message has the reason.</exception>
    public async Task<IAsyncDisposable> LockMigrationsAsync(CancellationToken cancellationToken)
    {
        if (!options.Value.IsShared)
            return new NoOpLock();
        var connection = new NpgsqlConnection(options.Value.ForSingleConnection().ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            if (await QueryAsync(connection, "SHOW server_encoding", cancellationToken) is not "UTF8" and var encoding)
                throw new IOException($"the encoding of the database is {encoding}, but must be UTF8. "
                    + "Create the database with ENCODING 'UTF8'.");
            if (await QueryAsync(connection, $"SELECT pg_try_advisory_lock({MigrationLock})", cancellationToken) is not true)
            {
                LogWaiting();
                await QueryAsync(connection, $"SELECT pg_advisory_lock({MigrationLock})", cancellationToken);
            }
            return connection;
        }
        catch (NpgsqlException exception)
        {
            await connection.DisposeAsync();
            throw new IOException($"the connection to PostgreSQL failed: {exception.Message}", exception);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Migrates the schema, and rejects a database with an incomplete import. Idempotent. The caller holds the migration lock.
    /// </summary>
    /// <exception cref="IOException">The schema is too new for this program, or an import into the database is incomplete.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await MigrateSchemaAsync(cancellationToken);
        if (await db.ServerFacts.SingleOrDefaultAsync(row => row.Name == ServerFact.UnfinishedImport, cancellationToken) is { } import)
            throw new IOException("an import into this database is incomplete. "
                + $"Run it again, and it will continue: import --From '{import.Value}'.");
    }

    /// <summary>Migrates the schema only, for an import. The caller holds the migration lock.</summary>
    /// <exception cref="IOException">The schema is too new for this program.</exception>
    public async Task MigrateSchemaAsync(CancellationToken cancellationToken)
    {
        if (options.Value.IsShared)
        {
            await using var unpooled = DatabaseServices.OpenWithoutTimeout(options.Value);
            await MigrateAsync(unpooled, cancellationToken);
            return;
        }
        // EF locks migrations with a row in this table. A killed process leaves the row, and the next start would wait forever. No other
        // process can hold the lock, because this process holds the lock of the data directory.
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
            throw new IOException($"a newer Updraft migrated the database to '{unknown[^1]}', and this version is too old for it: "
                + $"it lacks '{oldest}'. "
                + "Start the newer version, or restore a backup from before the migration.");
        }
        LogNewerSchema(unknown[^1]);
    }

    private static async Task<object?> QueryAsync(DbConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteScalarAsync(cancellationToken);
    }

    /// <summary>SQLite needs no lock here; the lock of the data directory already excludes other servers.</summary>
    private sealed class NoOpLock : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    [LoggerMessage(1, LogLevel.Information, "Another replica migrates the database. Waiting for it before the start.")]
    private partial void LogWaiting();

    [LoggerMessage(2, LogLevel.Warning,
        "A newer Updraft migrated the database to {Schema}. This version can still use it. Upgrade this replica too.")]
    private partial void LogNewerSchema(string schema);
}
