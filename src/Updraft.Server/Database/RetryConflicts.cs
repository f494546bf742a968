using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Updraft.Server.Database;

/// <summary>
/// Middleware that runs a request again after PostgreSQL aborted its transaction because of a conflict. The whole route runs again, so
/// that it sees the changes of the other request: a name that was free may be taken now. After a lost connection, only reads run again: a
/// write may have been committed.
/// </summary>
internal sealed partial class RetryConflicts(RequestDelegate next, IOptions<DatabaseOptions> database, ILogger<RetryConflicts> log)
{
    private const int MaxAttempts = 5;

    // SQLite has one writer at a time, so its transactions never conflict.
    public Task InvokeAsync(HttpContext context) => database.Value.IsShared ? RepeatAsync(context) : next(context);

    private async Task RepeatAsync(HttpContext context)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await next(context);
                return;
            }
            catch (Exception exception) when (attempt < MaxAttempts && !context.Response.HasStarted && CanRepeat(context)
                && ShouldRepeat(context, exception))
            {
                DatabaseMetrics.Conflicts.Add(1);
                LogConflict(attempt, exception.GetBaseException().Message);
            }
            // A random pause in milliseconds, so that the same two requests do not conflict again.
            await Task.Delay(RandomNumberGenerator.GetInt32(5, 20 << attempt), context.RequestAborted);
        }
    }

    // ASP.NET Core buffers JSON and forms, but the body of an upload can be read only once.
    private static bool CanRepeat(HttpContext context) =>
        context.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: true }
        || context.Request.HasJsonContentType() || context.Request.HasFormContentType;

    private static bool ShouldRepeat(HttpContext context, Exception exception)
    {
        var isRead = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is PostgresException postgres && IsConflict(postgres.SqlState))
                return true;
            // Pooled connections that a restart of PostgreSQL has ended. Timeouts are excluded: the request has waited long enough.
            if (isRead && cause is NpgsqlException { IsTransient: true, InnerException: not TimeoutException })
                return true;
        }
        return false;
    }

    // FeatureNotSupported: another replica has migrated the schema since the statement was prepared.
    private static bool IsConflict(string state) => state is PostgresErrorCodes.SerializationFailure
        or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.FeatureNotSupported;

    [LoggerMessage(1, LogLevel.Information, "Retrying the request after a transaction conflict, attempt {Attempt}: {Reason}")]
    private partial void LogConflict(int attempt, string reason);
}
