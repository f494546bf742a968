using System.Diagnostics.Metrics;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Uploads;

/// <summary>What arrives at upload addresses.</summary>
internal static class UploadMetrics
{
    private const string Stored = "stored", Refused = "refused", Failed = "failed";

    private static readonly InstrumentAdvice<double> Seconds = new() { HistogramBucketBoundaries = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800] };

    private static readonly Histogram<double> Duration = Instrumentation.Meter.CreateHistogram("updraft.upload.duration", "s",
        "How long uploads took, from the first byte to the answer: stored, refused for what they are, or failed for want of something.", tags: null, Seconds);

    private static readonly Counter<long> Results = Instrumentation.Meter.CreateCounter<long>("updraft.uploads", "{request}",
        "Requests to upload addresses, by how they ended.");

    private static readonly Counter<long> Received = Instrumentation.Meter.CreateCounter<long>("updraft.upload.received", "By",
        "Bytes of uploads as they came over the wire.");

    /// <summary>Counts what was read of a body.</summary>
    public static void Receive(long bytes) => Received.Add(bytes);

    /// <summary>Counts a request that was answered.</summary>
    /// <param name="status">Its answer.</param>
    /// <param name="took">Since it began.</param>
    public static void Count(int status, TimeSpan took)
    {
        if (!Results.Enabled)
            return;
        var result = new KeyValuePair<string, object?>("result", status switch { < 400 => Stored, < 500 => Refused, _ => Failed });
        Results.Add(1, result);
        Duration.Record(took.TotalSeconds, result);
    }

    public static void Begin(IServiceProvider services, Meter meter)
    {
        foreach (var result in (string[])[Stored, Refused, Failed])
            Results.Add(0, new KeyValuePair<string, object?>("result", result));
        Received.Add(0);
    }
}
