using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Updraft.Server.Api;

namespace Updraft.Server.DeploymentLog;

/// <summary>
/// The query parameters of a log. All are texts, so that an empty one counts as absent, and each error names its parameter.
/// </summary>
internal sealed record LogQuery
{
    private const string DefaultLimit = "500", DefaultResults = "10000", DefaultRange = "3600", NoOffset = "0";

    private const int MaxResults = 10_000, MinRange = 60;

    // A year. A larger number of seconds could exceed the range of DateTimeOffset.
    private const int MaxRange = 366 * 24 * 3600;

    [Description("Sources of the entries: repeat the parameter, or separate them by commas. Default: all sources.")]
    [AllowedValues("scheduler", "triggerer", "worker", "webserver", "dag-processor", "apiserver")]
    public string[]? Sources { get; init; }

    [Description("Start of the time span. Requires endDate, and replaces range.")]
    [DataType(DataType.DateTime)]
    public string? StartDate { get; init; }

    [Description("End of the time span. Requires startDate.")]
    [DataType(DataType.DateTime)]
    public string? EndDate { get; init; }

    [Description("Length of the time span in seconds, which ends now.")]
    [Range(MinRange, MaxRange), DefaultValue(DefaultRange)]
    public string? Range { get; init; }

    [Description("Only entries that contain this text. Case is ignored.")]
    public string? SearchText { get; init; }

    [Description("The searchId of the first page, for further pages of the same time span.")]
    public string? SearchId { get; init; }

    [Description("Maximum number of entries in the response.")]
    [Range(1, MaxResults), DefaultValue(DefaultLimit)]
    public string? Limit { get; init; }

    [Description("Number of entries to skip.")]
    [Range(0, int.MaxValue), DefaultValue(NoOffset)]
    public string? Offset { get; init; }

    [Description("Maximum number of entries on all pages. The newest ones are kept.")]
    [Range(1, MaxResults), DefaultValue(DefaultResults)]
    public string? MaxNumResults { get; init; }

    /// <param name="now">The default end of the time span.</param>
    /// <exception cref="ApiException">400: a parameter is invalid.</exception>
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
                $"'sources' has '{ApiException.Shorten(unknown)}'. Use {string.Join(", ", LogSearch.AllSources)}.");
        return new HashSet<string>(sources.Count > 0 ? sources : LogSearch.AllSources, StringComparer.Ordinal);
    }

    // A later page has the time span of the first one. Otherwise entries would move between pages.
    private LogSpan ReadSpan(DateTimeOffset now)
    {
        if (SearchId is { Length: > 0 } id)
            return LogSpan.Parse(id) ?? throw ApiException.BadRequest("'searchId' is invalid. Use the value from the first page, or omit "
                + "it.");
        var (start, end) = (Time(StartDate, "startDate"), Time(EndDate, "endDate"));
        if (start is null != end is null)
            throw ApiException.BadRequest("Only one of 'startDate' and 'endDate' is set. Send both, or none.");
        if (start > end)
            throw ApiException.BadRequest("'startDate' is after 'endDate'. Swap them.");
        return start is { } from && end is { } to ? new LogSpan(from, to)
            : new LogSpan(now.AddSeconds(-Number(Range, "range", DefaultRange, MinRange, MaxRange)), now);
    }

    private static DateTimeOffset? Time(string? text, string name)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.ToUniversalTime()
            : throw ApiException.BadRequest($"'{name}' is '{ApiException.Shorten(text)}'. It must be a time such as 2026-01-31T08:00:00Z.");
    }

    private static int Number(string? text, string name, string whenAbsent, int min, int max)
    {
        if (string.IsNullOrEmpty(text))
            text = whenAbsent;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? value
            : throw ApiException.BadRequest($"'{name}' is '{ApiException.Shorten(text)}'. It must be a whole number from {min} to {max}.");
    }
}
