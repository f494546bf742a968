using System.Linq.Expressions;

namespace Updraft.Server.Api;

/// <summary>
/// The fields by which a list can be sorted: an allow-list, so that nothing a caller writes reaches the database as a name.
/// </summary>
/// <param name="id">The key; it orders rows that are equal otherwise, so that pages never overlap.</param>
/// <param name="fields">Name on the wire and column of each field.</param>
internal sealed class Sorting<T>(Expression<Func<T, object?>> id, params (string Name, Expression<Func<T, object?>> Column)[] fields)
{
    /// <summary>Everything that a query may say.</summary>
    public SortOrders Orders { get; } = new([.. fields.SelectMany(field => (string[])[$"{field.Name}:asc", $"{field.Name}:desc"])]);

    /// <summary>Orders rows by a query's <c>sorts</c>, e.g. <c>name:asc</c>; by the key when there is none.</summary>
    /// <exception cref="ApiException">400: a field or direction that is not offered.</exception>
    public IQueryable<T> Apply(IQueryable<T> rows, string[]? sorts)
    {
        IOrderedQueryable<T>? ordered = null;
        foreach (var sort in sorts ?? [])
        {
            var (column, isDescending) = Find(sort);
            ordered = (ordered, isDescending) switch
            {
                (null, false) => rows.OrderBy(column),
                (null, true) => rows.OrderByDescending(column),
                (_, false) => ordered.ThenBy(column),
                (_, true) => ordered.ThenByDescending(column),
            };
        }
        return ordered is null ? rows.OrderBy(id) : ordered.ThenBy(id);
    }

    private (Expression<Func<T, object?>> Column, bool IsDescending) Find(string sort)
    {
        foreach (var (name, column) in fields)
        {
            if (sort == $"{name}:asc")
                return (column, false);
            if (sort == $"{name}:desc")
                return (column, true);
        }
        var offered = string.Join(", ", Orders.Values);
        throw ApiException.BadRequest($"'sorts' has '{ApiException.Shorten(sort)}'; it can be {offered}.");
    }
}

/// <summary>What a route's <c>sorts</c> can be, for the API's description.</summary>
/// <param name="Values">E.g. <c>name:asc</c>.</param>
internal sealed record SortOrders(IReadOnlyList<string> Values);

/// <summary>Says on routes how their rows can be sorted.</summary>
internal static class SortedRoutes
{
    /// <summary>The route's <c>sorts</c> can be these.</summary>
    public static RouteHandlerBuilder Sorts(this RouteHandlerBuilder route, SortOrders orders) => route.WithMetadata(orders);
}
