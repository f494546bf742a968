using System.Linq.Expressions;

namespace Updraft.Server.Api;

/// <summary>
/// The fields by which a list can be sorted. It is an allow-list, so no text of a caller reaches the database as a column name.
/// </summary>
/// <param name="id">The key. It orders rows with equal fields, so pages never overlap.</param>
/// <param name="fields">Name in the API and column of each field.</param>
internal sealed class Sorting<T>(Expression<Func<T, object?>> id, params (string Name, Expression<Func<T, object?>> Column)[] fields)
{
    /// <summary>All allowed values of <c>sorts</c>.</summary>
    public SortOrders Orders { get; } = new([.. fields.SelectMany(field => (string[])[$"{field.Name}:asc", $"{field.Name}:desc"])]);

    /// <summary>Orders rows by the values of <c>sorts</c>, e.g. <c>name:asc</c>; by the key if there are none.</summary>
    /// <exception cref="ApiException">400: an unknown field or direction.</exception>
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
        throw ApiException.BadRequest($"'sorts' has '{ApiException.Shorten(sort)}'. Use one of {string.Join(", ", Orders.Values)}.");
    }
}

/// <summary>The allowed values of a route's <c>sorts</c>, for the OpenAPI description.</summary>
/// <param name="Values">E.g. <c>name:asc</c>.</param>
internal sealed record SortOrders(IReadOnlyList<string> Values);

/// <summary>Declares the sort orders of routes.</summary>
internal static class SortedRoutes
{
    public static RouteHandlerBuilder Sorts(this RouteHandlerBuilder route, SortOrders orders) => route.WithMetadata(orders);
}
