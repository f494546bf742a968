namespace Updraft.Server.Telemetry;

/// <summary>
/// A setting that limits requests, e.g. <c>Uploads:MaxBytes</c>; the label <c>limit</c> of <c>updraft_limit_hits_total</c>.
/// </summary>
internal sealed record RequestLimit(string Setting);

/// <summary>The name of a background work in snake_case; the label <c>work</c> of <c>updraft_background_runs_total</c>.</summary>
internal sealed record BackgroundWorkName(string Name);

/// <summary>Requests that get no span because they are frequent and belong to no deploy, e.g. health checks.</summary>
/// <param name="Matches">Returns whether a request path belongs to them.</param>
internal sealed record TraceNoise(Func<string, bool> Matches);

/// <summary>Registers the names that a slice reports to Telemetry. Telemetry itself names no slice.</summary>
internal static class SliceTelemetry
{
    /// <summary>Registers the metrics of a slice.</summary>
    public static void AddMetricsOf(this IServiceCollection services, BeginMetrics begin) => services.AddSingleton(begin);

    /// <summary>Registers the limits that <see cref="Api.ApiException.Limit"/> of a slice can name.</summary>
    public static void AddLimits(this IServiceCollection services, params IEnumerable<string> settings)
    {
        foreach (var setting in settings)
            services.AddSingleton(new RequestLimit(setting));
    }

    /// <summary>
    /// Registers a background work of a slice. Call it even if this configuration does not run the work: the metric is then 0.
    /// </summary>
    public static void AddBackgroundWork(this IServiceCollection services, string name) =>
        services.AddSingleton(new BackgroundWorkName(name));

    /// <summary>Registers requests without spans.</summary>
    public static void AddTraceNoise(this IServiceCollection services, Func<string, bool> matches) =>
        services.AddSingleton(new TraceNoise(matches));
}
