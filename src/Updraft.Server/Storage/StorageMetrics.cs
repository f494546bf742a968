using System.Diagnostics.Metrics;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Storage;

/// <summary>How the object store answers, and how much space is left on the disk of the data folder.</summary>
internal static class StorageMetrics
{
    private static readonly Counter<long> Requests = Instrumentation.Meter.CreateCounter<long>("updraft.store.requests", "{request}",
        "Requests to the object store, after its library has repeated what may be repeated: answered, missing or failed.");

    public static void Answered() => Add(1, "answered");

    /// <summary>A request ended with an exception, one of a store's own.</summary>
    public static void Count(Exception failure) => Add(1, failure is FileNotFoundException ? "missing" : "failed");

    public static void Begin(IServiceProvider services, Meter meter)
    {
        foreach (var result in (string[])["answered", "missing", "failed"])
            Add(0, result);
        var space = services.GetRequiredService<FreeSpace>();
        meter.CreateObservableGauge("updraft.disk.free", () => space.Free, "By", "Bytes free on the disk that uploads go to.");
        meter.CreateObservableGauge("updraft.disk.reserve", () => space.Reserve, "By", "Bytes of it that uploads leave free.");
    }

    private static void Add(int count, string result) => Requests.Add(count, new KeyValuePair<string, object?>("result", result));
}
