namespace Updraft.Server.Web;

/// <summary>The beginning of a text that a page shows. A page must stay small, also for a text of many short lines or one long line.</summary>
/// <param name="Lines">The lines; the last one may be cut.</param>
/// <param name="IsCut">Whether the text has more.</param>
internal sealed record ShownLines(IReadOnlyList<string> Lines, bool IsCut)
{
    /// <summary>Most lines and UTF-16 code units that a page shows.</summary>
    public const int MaxLines = 2000, MaxCharacters = 150_000;

    /// <summary>Cuts a text after <see cref="MaxLines"/> lines or <see cref="MaxCharacters"/> code units.</summary>
    public static ShownLines Of(IEnumerable<string> lines)
    {
        var (shown, left) = (new List<string>(), MaxCharacters);
        foreach (var line in lines)
        {
            if (shown.Count == MaxLines || left == 0)
                return new(shown, IsCut: true);
            var length = Math.Min(line.Length, left);
            left -= length;
            shown.Add(length == line.Length ? line : line[..length]);
            if (length < line.Length)
                return new(shown, IsCut: true);
        }
        return new(shown, IsCut: false);
    }
}
