using Microsoft.EntityFrameworkCore;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Health;

/// <summary>Whether the process lives, and whether it can work.</summary>
internal static partial class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz/live", () => TypedResults.Text("live")).AllowAnonymous();
        routes.MapGet("/healthz/ready", CheckReadyAsync).AllowAnonymous();
    }

    /// <exception cref="ApiException">503: names what does not work; the log says why.</exception>
    private static async Task<IResult> CheckReadyAsync(UpdraftDbContext db, IServiceProvider services, ILogger<ApiErrors> logger,
        CancellationToken cancellationToken)
    {
        List<string> broken = [];
        await TryAsync("database", () => db.Database.ExecuteSqlRawAsync("SELECT 1", cancellationToken));
        if (services.GetService<IBlobStore>() is { } store)
            await TryAsync("blob store", () => store.CheckAsync(cancellationToken));
        return broken.Count == 0 ? TypedResults.Text("ready")
            : throw new ApiException(StatusCodes.Status503ServiceUnavailable, $"Not ready; not working: {string.Join(", ", broken)}.");

        async Task TryAsync(string what, Func<Task> check)
        {
            try
            {
                await check();
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                LogBroken(logger, what, exception);
                broken.Add(what);
            }
        }
    }

    [LoggerMessage(10, LogLevel.Error, "The {Part} does not work.")]
    private static partial void LogBroken(ILogger logger, string part, Exception exception);
}
