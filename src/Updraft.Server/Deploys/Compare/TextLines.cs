using System.Collections;

namespace Updraft.Server.Deploys.Compare;

/// <summary>
/// The lines of a text. A line ends with CR LF, CR or LF; the end of the text ends the last one. All counts of lines use this class, so a
/// limit counts the same lines as the page that it protects.
/// </summary>
internal readonly struct TextLines(string text) : IEnumerable<string>
{
    /// <summary>The number of lines. Allocates nothing.</summary>
    public int Count()
    {
        var (count, start) = (0, 0);
        for (; start < text.Length; count++)
            start = EndOf(start).Next;
        return count;
    }

    public IEnumerator<string> GetEnumerator()
    {
        for (var start = 0; start < text.Length;)
        {
            var (end, next) = EndOf(start);
            yield return text[start..end];
            start = next;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private (int End, int Next) EndOf(int start)
    {
        var length = text.AsSpan(start).IndexOfAny('\r', '\n');
        if (length < 0)
            return (text.Length, text.Length);
        var end = start + length;
        return (end, text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : end + 1);
    }
}
