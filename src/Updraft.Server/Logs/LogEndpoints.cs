using System.Globalization;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Logs;

/// <summary>The log of a Deployment over HTTP: what Updraft did with it, not what Airflow wrote.</summary>
internal static class LogEndpoints
{
    private const int DefaultLimit = 500, DefaultResults = 10_000, MaxResults = 10_000, DefaultRange = 3600, MinRange = 60;

    // A year: longer than anybody looks back, short enough for a time to come out.
    private const int MaxRange = 366 * 24 * 3600;

    public static void AddDeploymentLogs(this WebApplicationBuilder builder) => builder.Services.AddScoped<ReadDeploymentLog>();

    public static void MapDeploymentLogs(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/organizations/{organizationId}/deployments/{deploymentId}/logs", GetAsync)
            .Requires(Permission.ReadDeploymentLogs).Operation("GetDeploymentLogs");

    private static Task<DeploymentLogResponse> GetAsync(DeploymentId deploymentId, HttpRequest request, ReadDeploymentLog read,
        TimeProvider clock, CancellationToken cancellationToken)
    {
        var query = request.Query;
        var search = new LogSearch
        {
            Sources = Sources(query),
            Span = Span(query, clock.GetUtcNow()),
            Text = query["searchText"].ToString(),
            Limit = Number(query, "limit", DefaultLimit, 1, MaxResults),
            Offset = Number(query, "offset", 0, 0, int.MaxValue),
            MaxResults = Number(query, "maxNumResults", DefaultResults, 1, MaxResults),
        };
        return read.RunAsync(deploymentId, search, cancellationToken);
    }

    private static HashSet<string> Sources(IQueryCollection query)
    {
        var sources = query["sources"].OfType<string>().SelectMany(text => text.Split(',', StringSplitOptions.RemoveEmptyEntries)).ToList();
        if (sources.Find(source => !LogSearch.AllSources.Contains(source)) is { } unknown)
            throw ApiException.BadRequest(
                $"'sources' has '{ApiException.Shorten(unknown)}'; it can be {string.Join(", ", LogSearch.AllSources)}.");
        return new HashSet<string>(sources.Count > 0 ? sources : LogSearch.AllSources, StringComparer.Ordinal);
    }

    // A later page looks at the span of the first one, or entries would move between pages.
    private static LogSpan Span(IQueryCollection query, DateTimeOffset now)
    {
        if (query["searchId"].ToString() is { Length: > 0 } id)
            return LogSpan.Parse(id) ?? throw ApiException.BadRequest("'searchId' is none that this server gave.");
        var (start, end) = (Time(query, "startDate"), Time(query, "endDate"));
        if (start is null != end is null)
            throw ApiException.BadRequest("'startDate' and 'endDate' go together; send both or none.");
        if (start > end)
            throw ApiException.BadRequest("'startDate' is after 'endDate'.");
        return start is { } from && end is { } to ? new LogSpan(from, to)
            : new LogSpan(now.AddSeconds(-Number(query, "range", DefaultRange, MinRange, MaxRange)), now);
    }

    private static DateTimeOffset? Time(IQueryCollection query, string name)
    {
        var text = query[name].ToString();
        if (text.Length == 0)
            return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.ToUniversalTime()
            : throw ApiException.BadRequest($"'{name}' must be a time such as 2026-01-31T08:00:00Z.");
    }

    private static int Number(IQueryCollection query, string name, int whenAbsent, int min, int max)
    {
        var text = query[name].ToString();
        if (text.Length == 0)
            return whenAbsent;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? value
            : throw ApiException.BadRequest($"'{name}' must be a whole number from {min} to {max}.");
    }
}
