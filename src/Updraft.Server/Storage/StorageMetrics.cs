using System.Diagnostics.Metrics;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Storage;

/// <summary>Metrics of requests to the object store, and of free disk space.</summary>
internal static class StorageMetrics
{
    private static readonly Counter<long> Requests = Instrumentation.Meter.CreateCounter<long>("updraft.store.requests", "{request}",
        "Requests to the object store, after the retries of its library, by result.");

    public static void CountAnswered() => Add(1, "answered");

    /// <summary>Counts a request that ended with an exception of <see cref="IBlobStore"/>.</summary>
    public static void CountFailure(Exception failure) => Add(1, failure is FileNotFoundException ? "missing" : "failed");

    public static void Begin(IServiceProvider services, Meter meter)
    {
        foreach (var result in (string[])["answered", "missing", "failed"])
            Add(0, result);
        var space = services.GetRequiredService<FreeSpace>();
        meter.CreateObservableGauge("updraft.disk.free", () => space.Free, "By", "Free bytes of the disk that uploads write to.");
        meter.CreateObservableGauge("updraft.disk.reserve", () => space.Reserve, "By", "Bytes of that disk that uploads leave free.");
    }

    private static void Add(int count, string result) => Requests.Add(count, new KeyValuePair<string, object?>("result", result));
}
