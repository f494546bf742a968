using System.Diagnostics.Metrics;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Images;

/// <summary>What the registry says of the tags that are deployed.</summary>
internal static class ImageMetrics
{
    private static readonly Counter<long> Resolved = Instrumentation.Meter.CreateCounter<long>("updraft.images.resolved", "{image}",
        "Tags that a finalize looked up in the registry: found, refused for what they are, or not known since it did not answer.");

    /// <summary>Counts a look into the registry.</summary>
    /// <param name="result"><c>found</c>, <c>refused</c> or <c>failed</c>.</param>
    public static void Count(string result) => Add(1, result);

    public static void Begin(IServiceProvider services, Meter meter)
    {
        foreach (var result in (string[])["found", "refused", "failed"])
            Add(0, result);
    }

    private static void Add(int count, string result) => Resolved.Add(count, new KeyValuePair<string, object?>("result", result));
}
