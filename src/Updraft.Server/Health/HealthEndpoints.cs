using Updraft.Server.Api;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Health;

/// <summary>Liveness and readiness of the server, for probes of Kubernetes, systemd and load balancers.</summary>
internal static class HealthEndpoints
{
    private const string Prefix = "/healthz/";

    public static void AddHealth(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<CheckReadiness>();
        builder.Services.AddTraceNoise(static path => path.Contains(Prefix, StringComparison.Ordinal));
    }

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Prefix + "live", () => TypedResults.Text("live")).AllowAnonymous();
        routes.MapGet(Prefix + "ready", CheckReadyAsync).AllowAnonymous().WithMetadata(LimitedPerAddress.Instance);
    }

    /// <exception cref="ApiException">503: a part that deploys need failed. The log has the reason.</exception>
    private static async Task<IResult> CheckReadyAsync(CheckReadiness check, CancellationToken cancellationToken)
    {
        var broken = await check.RunAsync(cancellationToken);
        return broken.Count == 0 ? TypedResults.Text("ready")
            : throw new ApiException(HealthErrors.NotReady,
                $"The server is not ready. These parts fail: {string.Join(", ", broken)}. The server log has the reasons.");
    }
}
