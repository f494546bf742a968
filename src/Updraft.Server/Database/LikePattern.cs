using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Query;

namespace Updraft.Server.Database;

/// <summary>
/// Patterns of <c>LIKE</c> for text that users search. Use them on plain text columns only: in a JSON column, a pattern also matches the
/// keys.
/// </summary>
internal static class LikePattern
{
    /// <summary>The escape character of all patterns.</summary>
    private const string Escape = "!";

    /// <summary>A pattern for lower-case columns that contain a text. Wildcards in the text match themselves.</summary>
    public static string Contains(string text) => $"%{LowerAscii(text).Replace("!", "!!", StringComparison.Ordinal)
        .Replace("%", "!%", StringComparison.Ordinal).Replace("_", "!_", StringComparison.Ordinal)}%";

    /// <summary>Rows of which a column contains a text, in upper or lower case of ASCII letters. A null column contains nothing.</summary>
    /// <param name="rows">The rows to filter.</param>
    /// <param name="text">The text as the user sent it.</param>
    /// <param name="or">Another condition that selects a row, such as an exact id.</param>
    /// <param name="columns">The columns to search.</param>
    public static IQueryable<T> WhereAnyContains<T>(this IQueryable<T> rows, string text, Expression<Func<T, bool>> or,
        params IEnumerable<Expression<Func<T, string?>>> columns)
    {
        var pattern = Contains(text);
        // The pattern is a member of a closure, which becomes a parameter of the statement: one plan serves all texts.
#pragma warning disable CA1304, CA1311, MA0011 // Translated to SQL's lower(), which lowers ASCII letters on both databases.
        Expression<Func<string, bool>> isLike = column => EF.Functions.Like(column.ToLower(), pattern, Escape);
#pragma warning restore CA1304, CA1311, MA0011
        var row = Expression.Parameter(typeof(T), "row");
        var condition = columns.Select(column => ReplacingExpressionVisitor.Replace(isLike.Parameters[0], Body(column, row), isLike.Body))
            .Aggregate(Body(or, row), Expression.OrElse);
        return rows.Where(Expression.Lambda<Func<T, bool>>(condition, row));
    }

    private static Expression Body<T, TResult>(Expression<Func<T, TResult>> lambda, ParameterExpression row) =>
        ReplacingExpressionVisitor.Replace(lambda.Parameters[0], row, lambda.Body);

    private static string LowerAscii(string text) => string.Create(text.Length, text, static (lower, source) =>
    {
        for (var i = 0; i < lower.Length; i++)
            lower[i] = char.IsAsciiLetterUpper(source[i]) ? (char)(source[i] | 0x20) : source[i];
    });
}
