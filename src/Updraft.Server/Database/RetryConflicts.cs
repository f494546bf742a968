using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Updraft.Server.Database;

/// <summary>
/// Middleware: runs a request again that PostgreSQL broke off because another one was in its way, and of which nothing is left. From the
/// start of its route, so that it decides by what the other one has made: a name that was free is taken now. Connections that broke are a
/// reason to look again, but not to change something again.
/// </summary>
internal sealed partial class RetryConflicts(RequestDelegate next, IOptions<DatabaseOptions> database, ILogger<RetryConflicts> log)
{
    private const int MaxAttempts = 5;

    // SQLite's writers come one after another.
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
            // Each waits for another time, so that the same two do not meet again.
            await Task.Delay(RandomNumberGenerator.GetInt32(5, 20 << attempt), context.RequestAborted);
        }
    }

    // JSON and forms are kept by who reads them; an upload is gone.
    private static bool CanRepeat(HttpContext context) => context.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: true }
        || context.Request.HasJsonContentType() || context.Request.HasFormContentType;

    private static bool ShouldRepeat(HttpContext context, Exception exception)
    {
        var onlyLooks = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is PostgresException postgres && IsConflict(postgres.SqlState))
                return true;
            // Connections that the pool kept while PostgreSQL was restarted. Who only looks may look again, but has not waited yet.
            if (onlyLooks && cause is NpgsqlException { IsTransient: true, InnerException: not TimeoutException })
                return true;
        }
        return false;
    }

    // The last one: another server has changed the schema since the statement was prepared. It is prepared anew.
    private static bool IsConflict(string state) => state is PostgresErrorCodes.SerializationFailure
        or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.FeatureNotSupported;

    [LoggerMessage(1, LogLevel.Information, "Another request was in the way, attempt {Attempt}: {Reason}")]
    private partial void LogConflict(int attempt, string reason);
}
