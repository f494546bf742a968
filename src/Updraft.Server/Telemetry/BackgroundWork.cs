using System.Diagnostics.Metrics;

namespace Updraft.Server.Telemetry;

/// <summary>
/// Counts the rounds of background work. Each slice names its work, and registers the name with <c>AddBackgroundWork</c>.
/// </summary>
internal static class BackgroundWork
{
    private static readonly Counter<long> Runs = Instrumentation.Meter.CreateCounter<long>("updraft.background.runs", "{run}",
        "Rounds of background work, by the name of the work and by result.");

    public static void Succeeded(string work) => Add(1, work, "ok");

    public static void Failed(string work) => Add(1, work, "failed");

    /// <summary>Sets the counters to zero, so that a rate sees the first round as a rise.</summary>
    public static void Begin(IEnumerable<BackgroundWorkName> works)
    {
        foreach (var work in works)
        {
            Add(0, work.Name, "ok");
            Add(0, work.Name, "failed");
        }
    }

    private static void Add(int count, string work, string result) => Runs.Add(count, new("work", work), new("result", result));
}
