using System.Diagnostics.Metrics;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Database;

/// <summary>Metrics of the database.</summary>
internal static class DatabaseMetrics
{
    public static readonly Counter<long> Conflicts = Instrumentation.Meter.CreateCounter<long>("updraft.database.conflicts", "{request}",
        "Requests that ran again after a conflict with another request, or after a lost connection; always 0 on SQLite.");

    public static void Begin(IServiceProvider services, Meter meter) => Conflicts.Add(0);
}
