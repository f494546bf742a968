using System.Diagnostics.Metrics;

namespace Updraft.Server.Telemetry;

/// <summary>
/// Called once per slice, before the first scrape. The slice sets its counters to zero, so that a rate sees the first count as a rise. It
/// also creates the gauges that read the running server.
/// </summary>
/// <param name="services">The services of the server.</param>
/// <param name="meter">Creates gauges. The server disposes it when it stops.</param>
internal delegate void BeginMetrics(IServiceProvider services, Meter meter);

/// <summary>Called before each scrape, for gauges that read the database.</summary>
internal delegate Task BeforeScrape(CancellationToken cancellationToken);
