using System.Net.Sockets;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Updraft.Server.Api;

/// <summary>
/// Failures of the disk, the object store and the database. The request is correct, and the caller can send it again after the operator
/// solved the problem. The codes are those of Linux (errno), SQLite and PostgreSQL.
/// </summary>
internal static class StorageFailure
{
    private const int IoError = 5, FilesOfSystem = 23, FilesOfProcess = 24, NoSpace = 28, ReadOnly = 30, OverQuota = 122;
    private const string IdleInTransaction = "25P03";
    private const string DatabaseIsReadOnly = "The database of the server is read-only. Requests that only read still work.";
    private const string DatabaseIsBusy = "The database of the server is busy. Send the request again in a few seconds.";
    private const int SqliteBusy = 5, SqliteLocked = 6, SqliteReadOnly = 8, SqliteIoError = 10, SqliteFull = 13, SqliteCannotOpen = 14;

    /// <summary>The error for an exception; null if the exception is not such a failure.</summary>
    public static ApiException? Of(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            var failure = cause switch
            {
                SqliteException sqlite => Database(sqlite.SqliteErrorCode, exception),
                PostgresException postgres => Database(postgres.SqlState, exception),
                // The server got no connection, or the connection broke. PostgreSQL may have executed the last statement.
                NpgsqlException { InnerException: IOException or SocketException or TimeoutException }
                    or NpgsqlException { IsTransient: true } =>
                    Unreachable(exception),
                BlobStoreException store => Unavailable(store.Message, exception),
                IOException file => File(file.HResult, exception),
                _ => null,
            };
            if (failure is not null)
                return failure;
        }
        return null;
    }

    /// <summary>
    /// Whether a repeated request can succeed without a change by the operator: the database is busy, or a replica restarts. The log then
    /// needs no stack trace.
    /// </summary>
    public static bool IsTransient(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is SqliteException { SqliteErrorCode: SqliteBusy or SqliteLocked }
                or PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.QueryCanceled
                    or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected })
                return true;
        }
        return false;
    }

    private static ApiException? File(int error, Exception cause) => error switch
    {
        NoSpace or OverQuota => Full("disk", cause),
        ReadOnly => Unavailable("The disk of the server is read-only. Requests that only read still work.", cause),
        IoError => Unavailable("The disk of the server failed to read or write.", cause),
        FilesOfSystem or FilesOfProcess =>
            Unavailable("The server has too many open files. Send the request again in a few seconds.", cause),
        _ => null,
    };

    private static ApiException? Database(int error, Exception cause) => error switch
    {
        SqliteFull => Full("disk of the database", cause),
        SqliteReadOnly => Unavailable(DatabaseIsReadOnly, cause),
        SqliteIoError or SqliteCannotOpen => Unavailable("The server cannot read or write its database.", cause),
        SqliteBusy or SqliteLocked => Unavailable(DatabaseIsBusy, cause),
        _ => null,
    };

    private static ApiException? Database(string error, Exception cause) => error switch
    {
        PostgresErrorCodes.DiskFull => Full("disk of the database", cause),
        PostgresErrorCodes.ReadOnlySqlTransaction => Unavailable(DatabaseIsReadOnly, cause),
        PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or IdleInTransaction => Unreachable(cause),
        PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.TooManyConnections or PostgresErrorCodes.OutOfMemory
            or PostgresErrorCodes.IoError or PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidCatalogName =>
            Unavailable("The server cannot use its database.", cause),
        PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.SerializationFailure
            or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.FeatureNotSupported => Unavailable(DatabaseIsBusy, cause),
        // JSON bodies are checked for U+0000 before; the URL is not.
        PostgresErrorCodes.CharacterNotInRepertoire => new ApiException(RequestErrors.InvalidRequest,
            "A text in the request has the character U+0000, which the server cannot store. Remove it.", cause),
        _ => null,
    };

    private static ApiException Full(string disk, Exception cause) => new(RequestErrors.StorageFull,
        $"The {disk} is full. The request changed nothing. An operator must free space.", cause);

    private static ApiException Unreachable(Exception cause) => new(RequestErrors.DatabaseUnreachable,
        "The server lost the connection to its database. If the request changes something, check whether it did. Then send it again.",
        cause);

    private static ApiException Unavailable(string text, Exception cause) =>
        new(RequestErrors.Unavailable, text + " The request changed nothing.", cause);
}
