using System.Diagnostics.Metrics;

namespace Updraft.Server.Telemetry;

/// <summary>
/// Called once when metrics begin to be served. A slice sets its counters to zero, so that the first count is seen as a rise, and adds
/// gauges that look at something of the running server.
/// </summary>
/// <param name="services">The server.</param>
/// <param name="meter">For gauges; it ends with the server.</param>
internal delegate void BeginMetrics(IServiceProvider services, Meter meter);

/// <summary>Called before each scrape, for gauges that ask the database.</summary>
internal delegate Task BeforeScrape(CancellationToken cancellationToken);

internal static class MetricsOfSlices
{
    /// <summary>Says what a slice measures.</summary>
    public static void AddMetricsOf(this IServiceCollection services, BeginMetrics begin) => services.AddSingleton(begin);
}
