using System.Diagnostics.Metrics;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Database;

/// <summary>How often requests are in each other's way.</summary>
internal static class DatabaseMetrics
{
    public static readonly Counter<long> Conflicts = Instrumentation.Meter.CreateCounter<long>("updraft.database.conflicts", "{request}",
        "Requests that ran again since another one was in their way, or their connection had broken; always 0 on SQLite.");

    public static void Begin(IServiceProvider services, Meter meter) => Conflicts.Add(0);
}
