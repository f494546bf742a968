using System.Net.Sockets;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Updraft.Server.Api;

/// <summary>
/// Failures of disk, object store and database that a caller can understand: nothing is wrong with the request, and it can be sent again once
/// the operator has helped. Codes are those of Linux (errno), SQLite and PostgreSQL.
/// </summary>
internal static class StorageFailure
{
    private const int IoError = 5, FilesOfSystem = 23, FilesOfProcess = 24, NoSpace = 28, ReadOnly = 30, OverQuota = 122;
    private const string IdleInTransaction = "25P03";
    private const int SqliteBusy = 5, SqliteLocked = 6, SqliteReadOnly = 8, SqliteIoError = 10, SqliteFull = 13, SqliteCannotOpen = 14;

    /// <summary>The answer to what was thrown; null when it is no such failure.</summary>
    public static ApiException? Of(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            var refusal = cause switch
            {
                SqliteException sqlite => Database(sqlite.SqliteErrorCode, exception),
                PostgresException postgres => Database(postgres.SqlState, exception),
                // The connection: none to be had, or it broke. What was sent last may have been done.
                NpgsqlException { InnerException: IOException or SocketException or TimeoutException } or NpgsqlException { IsTransient: true } =>
                    Unreachable(exception),
                BlobStoreException store => Unavailable(store.Message, exception),
                IOException file => File(file.HResult, exception),
                _ => null,
            };
            if (refusal is not null)
                return refusal;
        }
        return null;
    }

    private static ApiException? File(int error, Exception cause) => error switch
    {
        NoSpace or OverQuota => Full("disk", cause),
        ReadOnly => Unavailable("The server's disk takes no writes at the moment; reading goes on.", cause),
        IoError => Unavailable("The server's disk has failed to read or write.", cause),
        FilesOfSystem or FilesOfProcess => Unavailable("The server has too many files open; try again in a few seconds.", cause),
        _ => null,
    };

    private static ApiException? Database(int error, Exception cause) => error switch
    {
        SqliteFull => Full("database's disk", cause),
        SqliteReadOnly => Unavailable("The server's database takes no writes at the moment; reading goes on.", cause),
        SqliteIoError or SqliteCannotOpen => Unavailable("The server's database cannot be read or written at the moment.", cause),
        SqliteBusy or SqliteLocked => Unavailable("The server's database is busy; try again in a few seconds.", cause),
        _ => null,
    };

    private static ApiException? Database(string error, Exception cause) => error switch
    {
        PostgresErrorCodes.DiskFull => Full("database's disk", cause),
        PostgresErrorCodes.ReadOnlySqlTransaction => Unavailable("The server's database takes no writes at the moment; reading goes on.", cause),
        PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or IdleInTransaction => Unreachable(cause),
        PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.TooManyConnections or PostgresErrorCodes.OutOfMemory or PostgresErrorCodes.IoError
            or PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidCatalogName =>
            Unavailable("The server's database cannot be used at the moment.", cause),
        PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.SerializationFailure
            or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.FeatureNotSupported => Unavailable("The server's database is busy; try again in a few seconds.", cause),
        // What JSON bodies cannot carry, addresses can.
        PostgresErrorCodes.CharacterNotInRepertoire => new ApiException(StatusCodes.Status400BadRequest,
            "A text in the request has the character U+0000, which cannot be kept.", cause),
        _ => null,
    };

    private static ApiException Full(string what, Exception cause) => new(StatusCodes.Status507InsufficientStorage,
        $"The server's {what} is full. Nothing was changed; its operator must free some space.", cause);

    private static ApiException Unreachable(Exception cause) => new(StatusCodes.Status503ServiceUnavailable,
        "The server's database cannot be reached at the moment. If this was a change, look whether it was made, or send it again in a few seconds.", cause);

    private static ApiException Unavailable(string text, Exception cause) =>
        new(StatusCodes.Status503ServiceUnavailable, text + " Nothing was changed.", cause);
}
