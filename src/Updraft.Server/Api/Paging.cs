using System.Globalization;

namespace Updraft.Server.Api;

/// <summary>The query parameters <c>offset</c> and <c>limit</c> of a list.</summary>
/// <param name="Offset">Rows to skip; 0 by default.</param>
/// <param name="Limit">Rows to return; 20 by default, at most 1,000.</param>
internal readonly record struct Paging(int Offset, int Limit)
{
    /// <summary>Default and maximum number of rows of a page.</summary>
    public const int DefaultLimit = 20, MaxLimit = 1000;

    /// <summary>Minimal-API binding from the query. It ignores other parameters.</summary>
    /// <exception cref="ApiException">400: a value is not a number, is outside of its range, or occurs twice.</exception>
    public static ValueTask<Paging> BindAsync(HttpContext context) => ValueTask.FromResult(new Paging(
        Read(context.Request.Query, "offset", 0, int.MaxValue), Read(context.Request.Query, "limit", DefaultLimit, MaxLimit)));

    private static int Read(IQueryCollection query, string name, int whenAbsent, int max)
    {
        if (!query.TryGetValue(name, out var values) || values.Count == 0 || (values.Count == 1 && string.IsNullOrEmpty(values[0])))
            return whenAbsent;
        if (values.Count == 1 && int.TryParse(values[0], NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value <= max)
            return value;
        throw ApiException.BadRequest(
            $"'{name}' is '{ApiException.Shorten(values.ToString())}'. It must be one whole number from 0 to {max}.");
    }
}
