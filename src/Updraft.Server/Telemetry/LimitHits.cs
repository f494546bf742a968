using System.Diagnostics.Metrics;

namespace Updraft.Server.Telemetry;

/// <summary>
/// Counts the requests that exceed a limit, by the setting that holds the limit. Each slice names its limits in its exceptions, and
/// registers the names with <c>AddLimits</c>.
/// </summary>
internal static class LimitHits
{
    private static readonly Counter<long> Hits = Instrumentation.Meter.CreateCounter<long>("updraft.limit.hits", "{request}",
        "Requests that were rejected because they exceed a limit, by the setting of the limit.");

    /// <summary>Counts a rejected request.</summary>
    /// <param name="setting">
    /// The exceeded limit, e.g. <c>Uploads:MaxBytes</c>. Null if the error has another cause; then nothing counts.
    /// </param>
    public static void Count(string? setting)
    {
        if (setting is not null)
            Add(1, setting);
    }

    /// <summary>Sets the counters to zero, so that a rate sees the first hit as a rise.</summary>
    public static void Begin(IEnumerable<RequestLimit> limits)
    {
        foreach (var limit in limits)
            Add(0, limit.Setting);
    }

    private static void Add(int count, string setting) => Hits.Add(count, new KeyValuePair<string, object?>("limit", setting));
}
