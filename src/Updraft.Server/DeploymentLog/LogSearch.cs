using System.Globalization;

namespace Updraft.Server.DeploymentLog;

/// <summary>What somebody looks for in the log of a Deployment.</summary>
internal sealed record LogSearch
{
    /// <summary>The contract's names for where entries come from.</summary>
    public static readonly string[] AllSources = ["scheduler", "triggerer", "worker", "webserver", "dag-processor", "apiserver"];

    public required IReadOnlySet<string> Sources { get; init; }

    public required LogSpan Span { get; init; }

    /// <summary>Part of the entry, whatever its case; empty for all.</summary>
    public required string Text { get; init; }

    public required int Limit { get; init; }

    public required int Offset { get; init; }

    /// <summary>Most entries on all pages: the newest.</summary>
    public required int MaxResults { get; init; }
}

/// <summary>A span of time, both ends within.</summary>
internal readonly record struct LogSpan(DateTimeOffset From, DateTimeOffset To)
{
    /// <summary>Reads what <see cref="ToString"/> wrote; null when it did not.</summary>
    public static LogSpan? Parse(string id) => id.Split('-') is [var from, var to]
        && long.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out var first) && first <= DateTimeOffset.MaxValue.Ticks
        && long.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var last) && last <= DateTimeOffset.MaxValue.Ticks
            ? new LogSpan(new DateTimeOffset(first, TimeSpan.Zero), new DateTimeOffset(last, TimeSpan.Zero)) : null;

    /// <summary>Whether a time lies in it.</summary>
    public bool Contains(DateTimeOffset time) => time >= From && time <= To;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{From.UtcTicks}-{To.UtcTicks}");
}
