using System.Globalization;

namespace Updraft.Server.DeploymentLog;

/// <summary>A search in the log of a Deployment.</summary>
internal sealed record LogSearch
{
    /// <summary>The contract's names of the sources of entries.</summary>
    public static readonly string[] AllSources = ["scheduler", "triggerer", "worker", "webserver", "dag-processor", "apiserver"];

    public required IReadOnlySet<string> Sources { get; init; }

    public required LogSpan Span { get; init; }

    /// <summary>Text that an entry contains, regardless of case; empty for all entries.</summary>
    public required string Text { get; init; }

    public required int Limit { get; init; }

    public required int Offset { get; init; }

    /// <summary>Maximum number of entries on all pages. The newest ones are kept.</summary>
    public required int MaxResults { get; init; }
}

/// <summary>A time span, including both ends.</summary>
internal readonly record struct LogSpan(DateTimeOffset From, DateTimeOffset To)
{
    /// <summary>Parses the result of <see cref="ToString"/>; null for other texts.</summary>
    public static LogSpan? Parse(string id) => id.Split('-') is [var from, var to]
        && long.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out var first) && first <= DateTimeOffset.MaxValue.Ticks
        && long.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var last) && last <= DateTimeOffset.MaxValue.Ticks
            ? new LogSpan(new DateTimeOffset(first, TimeSpan.Zero), new DateTimeOffset(last, TimeSpan.Zero)) : null;

    public bool Contains(DateTimeOffset time) => time >= From && time <= To;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{From.UtcTicks}-{To.UtcTicks}");
}
