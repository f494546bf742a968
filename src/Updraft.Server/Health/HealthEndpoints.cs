using Microsoft.EntityFrameworkCore;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Storage;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Health;

/// <summary>Liveness and readiness of the server, for probes of Kubernetes, systemd and load balancers.</summary>
internal static partial class HealthEndpoints
{
    private const string Prefix = "/healthz/";

    public static void AddHealth(this WebApplicationBuilder builder) =>
        builder.Services.AddTraceNoise(static path => path.Contains(Prefix, StringComparison.Ordinal));

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Prefix + "live", () => TypedResults.Text("live")).AllowAnonymous();
        routes.MapGet(Prefix + "ready", CheckReadyAsync).AllowAnonymous();
    }

    /// <exception cref="ApiException">503: the database or the blob store failed. The log has the reason.</exception>
    private static async Task<IResult> CheckReadyAsync(UpdraftDbContext db, IServiceProvider services, ILogger<ApiErrors> logger,
        CancellationToken cancellationToken)
    {
        List<string> broken = [];
        await TryAsync("database", () => db.Database.ExecuteSqlRawAsync("SELECT 1", cancellationToken));
        if (services.GetService<IBlobStore>() is { } store)
            await TryAsync("blob store", () => store.CheckAsync(cancellationToken));
        return broken.Count == 0 ? TypedResults.Text("ready")
            : throw new ApiException(HealthErrors.NotReady,
                $"The server is not ready. These parts fail: {string.Join(", ", broken)}. The server log has the reasons.");

        async Task TryAsync(string part, Func<Task> check)
        {
            try
            {
                await check();
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                LogCheckFailed(logger, part, exception);
                broken.Add(part);
            }
        }
    }

    [LoggerMessage(10, LogLevel.Error, "The readiness check of the {Part} failed. The server reports that it is not ready.")]
    private static partial void LogCheckFailed(ILogger logger, string part, Exception exception);
}
