using System.Diagnostics.Metrics;

namespace Updraft.Server.Telemetry;

/// <summary>Requests that were refused because a limit is reached, by the setting that holds the limit.</summary>
internal static class LimitHits
{
    private static readonly Counter<long> Hits = Instrumentation.Meter.CreateCounter<long>("updraft.limit.hits", "{request}",
        "Requests refused because a limit is reached, by the name of its setting.");

    private static readonly string[] Limits =
    [
        "Uploads:MaxConcurrent", "Uploads:MaxBytes", "Uploads:MaxBlockBytes", "Uploads:MaxBlocks", "Uploads:MaxMinutes", "Storage:ReserveBytes",
        "Archives:MaxUnpackedBytes", "Archives:MaxRatio", "Archives:MaxEntries", "Archives:MaxPathBytes", "Archives:MaxDepth",
        "Archives:MaxEntryMetadataBytes", "Archives:MaxMetadataBytes",
    ];

    /// <summary>Counts the refusal of a request.</summary>
    /// <param name="message">What it is told; a limit is known by the name of its setting, which every such message has.</param>
    public static void Count(string message)
    {
        if (Hits.Enabled && Array.Find(Limits, name => Names(message, name)) is { } limit)
            Hits.Add(1, new KeyValuePair<string, object?>("limit", limit));
    }

    public static void Begin()
    {
        foreach (var limit in Limits)
            Hits.Add(0, new KeyValuePair<string, object?>("limit", limit));
    }

    // Uploads:MaxBlocks is not the beginning of another one's name.
    private static bool Names(string message, string limit)
    {
        var at = message.IndexOf(limit, StringComparison.Ordinal);
        return at >= 0 && (at + limit.Length == message.Length || !char.IsAsciiLetter(message[at + limit.Length]));
    }
}
