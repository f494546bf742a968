namespace Updraft.Server.Api;

/// <summary>Checks texts that clients send. Lengths count Unicode code points, as the databases do.</summary>
internal static class TextLimit
{
    /// <summary>Longest description of most things, in code points.</summary>
    public const int Description = 500;

    /// <summary>Length in Unicode code points.</summary>
    public static int CodePoints(string text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes())
            count++;
        return count;
    }

    /// <summary>Checks an optional free text.</summary>
    /// <exception cref="ApiException">400: longer than <paramref name="max"/> code points.</exception>
    public static void Check(string? text, string field, int max)
    {
        if (text is not null && text.Length > max && CodePoints(text) is var length && length > max)
            throw ApiException.BadRequest($"'{field}' has {length} characters; at most {max} are allowed.");
    }

    /// <summary>Checks a required name: one line, 1 to <paramref name="max"/> code points, not only blanks.</summary>
    /// <exception cref="ApiException">400: it is not.</exception>
    public static string Name(string? text, string field, int max)
    {
        if (string.IsNullOrWhiteSpace(text))
            throw ApiException.BadRequest($"'{field}' is missing; it needs 1 to {max} characters.");
        if (text.Any(char.IsControl))
            throw ApiException.BadRequest($"'{field}' must be one line without control characters.");
        Check(text, field, max);
        return text;
    }

    /// <summary>Checks a value against the ones that the API knows.</summary>
    /// <exception cref="ApiException">400: another value.</exception>
    public static string OneOf(string? text, string field, string whenAbsent, params ReadOnlySpan<string> allowed)
    {
        if (text is null)
            return whenAbsent;
        return allowed.Contains(text) ? text
            : throw ApiException.BadRequest(
                $"'{field}' is '{ApiException.Shorten(text)}'; it must be one of {string.Join(", ", allowed!)}.");
    }
}
