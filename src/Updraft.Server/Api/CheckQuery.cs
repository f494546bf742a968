using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Primitives;

namespace Updraft.Server.Api;

/// <summary>
/// Middleware after authorization: checks the query parameters that the handler of a route declares. The framework joins repeated values,
/// and its errors do not name the parameter. Empty values count as absent.
/// </summary>
internal sealed class CheckQuery(RequestDelegate next)
{
    private readonly ConditionalWeakTable<Endpoint, IReadOnlyList<QueryParameter>> _parameters = [];

    public Task InvokeAsync(HttpContext context)
    {
        if (context.Request.QueryString.HasValue && context.GetEndpoint() is RouteEndpoint endpoint)
        {
            foreach (var parameter in _parameters.GetValue(endpoint, _ => Find(endpoint)))
            {
                if (!context.Request.Query.TryGetValue(parameter.Name, out var values))
                    continue;
                Check(parameter, values);
                if (parameter.IsList && values.Any(string.IsNullOrEmpty))
                    context.Request.Query = Without(context.Request.Query, parameter.Name, values);
            }
        }
        return next(context);
    }

    private static IReadOnlyList<QueryParameter> Find(RouteEndpoint endpoint)
    {
        var inPath = endpoint.RoutePattern.Parameters.Select(part => part.Name).ToList();
        return [.. (endpoint.Metadata.GetMetadata<MethodInfo>()?.GetParameters() ?? [])
            .SelectMany(argument => QueryParameter.Of(argument, inPath))];
    }

    // A list with an empty text would select nothing.
    private static QueryCollection Without(IQueryCollection query, string name, StringValues values)
    {
        var kept = query.ToDictionary(StringComparer.OrdinalIgnoreCase);
        kept[name] = values.Where(value => !string.IsNullOrEmpty(value)).ToArray();
        if (kept[name].Count == 0)
            kept.Remove(name);
        return new QueryCollection(kept);
    }

    private static void Check(QueryParameter parameter, StringValues values)
    {
        if (!parameter.IsList && values.Count > 1)
            throw ApiException.BadRequest($"'{parameter.Name}' is in the URL {values.Count} times. Send it once.");
        if (parameter.IsText)
            return;
        foreach (var value in values)
        {
            if (string.IsNullOrEmpty(value))
                continue;
            if (parameter.Allowed.Count > 0)
                TextLimit.OneOf(value, parameter.Name, "", [.. parameter.Allowed]);
            else if (parameter.ValueType == typeof(bool) && !bool.TryParse(value, out _))
                throw ApiException.BadRequest($"'{parameter.Name}' is '{ApiException.Shorten(value)}'. It must be true or false.");
        }
    }
}
