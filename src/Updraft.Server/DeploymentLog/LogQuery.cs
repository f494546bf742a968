using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Updraft.Server.Api;

namespace Updraft.Server.DeploymentLog;

/// <summary>The query of a log as it comes: all of it text, so that an empty one counts as absent and each mistake is answered with its name.</summary>
internal sealed record LogQuery
{
    private const string DefaultLimit = "500", DefaultResults = "10000", DefaultRange = "3600", NoOffset = "0";

    private const int MaxResults = 10_000, MinRange = 60;

    // A year: longer than anybody looks back, short enough for a time to come out.
    private const int MaxRange = 366 * 24 * 3600;

    [Description("Where entries come from; several, also with commas between them. All when absent.")]
    [AllowedValues("scheduler", "triggerer", "worker", "webserver", "dag-processor", "apiserver")]
    public string[]? Sources { get; init; }

    [Description("From when on; together with endDate, instead of range.")]
    [DataType(DataType.DateTime)]
    public string? StartDate { get; init; }

    [Description("Until when; together with startDate.")]
    [DataType(DataType.DateTime)]
    public string? EndDate { get; init; }

    [Description("How many seconds to look back from now.")]
    [Range(MinRange, MaxRange), DefaultValue(DefaultRange)]
    public string? Range { get; init; }

    [Description("Only entries with this in them, whatever its case.")]
    public string? SearchText { get; init; }

    [Description("As answered with the first page, for further pages of the same span of time.")]
    public string? SearchId { get; init; }

    [Description("Entries to return at most.")]
    [Range(1, MaxResults), DefaultValue(DefaultLimit)]
    public string? Limit { get; init; }

    [Description("Entries to skip.")]
    [Range(0, int.MaxValue), DefaultValue(NoOffset)]
    public string? Offset { get; init; }

    [Description("The most entries on all pages: the newest.")]
    [Range(1, MaxResults), DefaultValue(DefaultResults)]
    public string? MaxNumResults { get; init; }

    /// <summary>What is looked for.</summary>
    /// <param name="now">The end of the span when none is given.</param>
    /// <exception cref="ApiException">400: something in it cannot be read.</exception>
    public LogSearch ToSearch(DateTimeOffset now) => new()
    {
        Sources = ReadSources(),
        Span = ReadSpan(now),
        Text = SearchText ?? "",
        Limit = Number(Limit, "limit", DefaultLimit, 1, MaxResults),
        Offset = Number(Offset, "offset", NoOffset, 0, int.MaxValue),
        MaxResults = Number(MaxNumResults, "maxNumResults", DefaultResults, 1, MaxResults),
    };

    private HashSet<string> ReadSources()
    {
        var sources = (Sources ?? []).SelectMany(text => text.Split(',', StringSplitOptions.RemoveEmptyEntries)).ToList();
        if (sources.Find(source => !LogSearch.AllSources.Contains(source)) is { } unknown)
            throw ApiException.BadRequest(
                $"'sources' has '{ApiException.Shorten(unknown)}'; it can be {string.Join(", ", LogSearch.AllSources)}.");
        return new HashSet<string>(sources.Count > 0 ? sources : LogSearch.AllSources, StringComparer.Ordinal);
    }

    // A later page looks at the span of the first one, or entries would move between pages.
    private LogSpan ReadSpan(DateTimeOffset now)
    {
        if (SearchId is { Length: > 0 } id)
            return LogSpan.Parse(id) ?? throw ApiException.BadRequest("'searchId' is none that this server gave.");
        var (start, end) = (Time(StartDate, "startDate"), Time(EndDate, "endDate"));
        if (start is null != end is null)
            throw ApiException.BadRequest("'startDate' and 'endDate' go together; send both or none.");
        if (start > end)
            throw ApiException.BadRequest("'startDate' is after 'endDate'.");
        return start is { } from && end is { } to ? new LogSpan(from, to)
            : new LogSpan(now.AddSeconds(-Number(Range, "range", DefaultRange, MinRange, MaxRange)), now);
    }

    private static DateTimeOffset? Time(string? text, string name)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.ToUniversalTime()
            : throw ApiException.BadRequest($"'{name}' must be a time such as 2026-01-31T08:00:00Z.");
    }

    private static int Number(string? text, string name, string whenAbsent, int min, int max)
    {
        if (string.IsNullOrEmpty(text))
            text = whenAbsent;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? value
            : throw ApiException.BadRequest($"'{name}' must be a whole number from {min} to {max}.");
    }
}
