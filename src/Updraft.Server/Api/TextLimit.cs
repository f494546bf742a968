namespace Updraft.Server.Api;

/// <summary>Checks texts of requests. Lengths are in Unicode code points, as in the databases.</summary>
internal static class TextLimit
{
    /// <summary>Maximum length of most descriptions, in code points.</summary>
    public const int Description = 500;

    /// <summary>Length in Unicode code points.</summary>
    public static int CodePoints(string text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes())
            count++;
        return count;
    }

    /// <summary>Checks an optional text.</summary>
    /// <exception cref="ApiException">400: the text is longer than <paramref name="max"/> code points.</exception>
    public static void Check(string? text, string field, int max)
    {
        if (text is not null && text.Length > max && CodePoints(text) is var length && length > max)
            throw ApiException.BadRequest($"'{field}' has {length} characters. It may have at most {max}.");
    }

    /// <summary>Checks a required name: one line, 1 to <paramref name="max"/> code points, not only spaces.</summary>
    /// <exception cref="ApiException">400: the name breaks one of these rules.</exception>
    public static string Name(string? text, string field, int max)
    {
        if (string.IsNullOrWhiteSpace(text))
            throw ApiException.BadRequest($"'{field}' is missing. Send 1 to {max} characters.");
        if (text.Any(char.IsControl))
            throw ApiException.BadRequest($"'{field}' has a control character. Send one line of text.");
        Check(text, field, max);
        return text;
    }

    /// <summary>Checks a value against the allowed values.</summary>
    /// <exception cref="ApiException">400: the value is not allowed.</exception>
    public static string OneOf(string? text, string field, string whenAbsent, params ReadOnlySpan<string> allowed)
    {
        if (text is null)
            return whenAbsent;
        return allowed.Contains(text) ? text
            : throw ApiException.BadRequest(
                $"'{field}' is '{ApiException.Shorten(text)}'. It must be one of {string.Join(", ", allowed!)}.");
    }
}
