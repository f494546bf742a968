using System.Diagnostics.Metrics;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Images;

/// <summary>Metrics of image tags that a finalize resolves.</summary>
internal static class ImageMetrics
{
    private static readonly Counter<long> Resolved = Instrumentation.Meter.CreateCounter<long>("updraft.images.resolved", "{image}",
        "Image tags that a finalize resolved in the registry: found, refused as unusable, or failed because the registry did not respond.");

    /// <param name="result"><c>found</c>, <c>refused</c> or <c>failed</c>.</param>
    public static void Count(string result) => Add(1, result);

    public static void Begin(IServiceProvider services, Meter meter)
    {
        foreach (var result in (string[])["found", "refused", "failed"])
            Add(0, result);
    }

    private static void Add(int count, string result) => Resolved.Add(count, new KeyValuePair<string, object?>("result", result));
}
