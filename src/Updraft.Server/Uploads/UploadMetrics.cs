using System.Diagnostics.Metrics;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Uploads;

/// <summary>Metrics of requests to upload URLs.</summary>
internal static class UploadMetrics
{
    private const string Stored = "stored", Refused = "refused", Failed = "failed";

    private static readonly InstrumentAdvice<double> Seconds =
        new() { HistogramBucketBoundaries = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800] };

    private static readonly Histogram<double> Duration = Instrumentation.Meter.CreateHistogram("updraft.upload.duration", "s",
        "Duration of uploads, from the request to the response: stored, refused (status 4xx) or failed (status 5xx).", tags: null, Seconds);

    private static readonly Counter<long> Results = Instrumentation.Meter.CreateCounter<long>("updraft.uploads", "{request}",
        "Requests to upload URLs, by result.");

    private static readonly Counter<long> Received = Instrumentation.Meter.CreateCounter<long>("updraft.upload.received", "By",
        "Bytes of uploads as received.");

    /// <summary>Counts received bytes of a body.</summary>
    public static void Receive(long bytes) => Received.Add(bytes);

    /// <summary>Counts a completed request.</summary>
    /// <param name="status">Status code of the response.</param>
    /// <param name="duration">Time since the start of the request.</param>
    public static void Count(int status, TimeSpan duration)
    {
        if (!Results.Enabled)
            return;
        var result = new KeyValuePair<string, object?>("result", status switch { < 400 => Stored, < 500 => Refused, _ => Failed });
        Results.Add(1, result);
        Duration.Record(duration.TotalSeconds, result);
    }

    public static void Begin(IServiceProvider services, Meter meter)
    {
        foreach (var result in (string[])[Stored, Refused, Failed])
            Results.Add(0, new KeyValuePair<string, object?>("result", result));
        Received.Add(0);
    }
}
