using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Finds documentation comments that tell a reader nothing.</summary>
internal static partial class ProseComments
{
    public static IReadOnlyList<string> Rules { get; } = ["empty-summary", "empty-phrase", "token-comment"];

    public static IEnumerable<ProseHit> Find(string file, string text)
    {
        foreach (Match summary in Summary().Matches(text))
        {
            var words = Words(StopWord().Replace(CommentMark().Replace(summary.Groups["text"].Value, " "), " ")).ToList();
            var signature = Words(summary.Groups["signature"].Value).ToHashSet(StringComparer.Ordinal);
            if (words.TrueForAll(signature.Contains) && !Phrase().IsMatch(summary.Groups["text"].Value))
                yield return Hit("empty-summary", text, summary.Groups["text"], "repeats the signature; delete it, or say why, a unit, a bound or an error", file);
        }
        foreach (Match tag in Tagged().Matches(text))
        {
            if (Phrase().IsMatch(tag.Groups["text"].Value))
                yield return Hit("empty-phrase", text, tag.Groups["text"], "say the meaning, the default and the allowed values", file);
        }
        foreach (Match token in Token().Matches(text))
            yield return Hit("token-comment", text, token.Groups["text"], "delete the comment of the cancellation token", file);
    }

    private static ProseHit Hit(string rule, string text, Group comment, string suggestion, string file) =>
        new(rule, file, text.AsSpan(0, comment.Index).Count('\n') + 1, $"'{CommentMark().Replace(comment.Value, " ").Trim()}': {suggestion}");

    /// <summary>Words in lower case, of identifiers too, without the endings that inflect them.</summary>
    private static IEnumerable<string> Words(string text) => Word().Matches(text).Select(match => Ending().Replace(match.Value.ToLowerInvariant(), ""));

    [GeneratedRegex(@"^[ \t]*/// <summary>(?<text>[^<]*)</summary>[ \t]*\n(?:[ \t]*(?:///|\[)[^\n]*\n)*(?<signature>[^\n={;]*)", RegexOptions.Multiline)]
    private static partial Regex Summary();

    [GeneratedRegex(@"^[ \t]*/// <(?<tag>summary|param|returns|value|typeparam)\b[^>]*>(?<text>[^<]*)</\k<tag>>", RegexOptions.Multiline)]
    private static partial Regex Tagged();

    [GeneratedRegex("""^[ \t]*/// <param name="(?:cancellationToken|ct)">(?<text>[^<]*)</param>""", RegexOptions.Multiline)]
    private static partial Regex Token();

    [GeneratedRegex(@"^\s*(?:(?:As set|Fixed|The ids?|The page|The name|As above|See above)\s*[.,;]|The same\b)")]
    private static partial Regex Phrase();

    [GeneratedRegex(@"\n[ \t]*///")]
    private static partial Regex CommentMark();

    [GeneratedRegex(@"(?<!')(?:[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+)")]
    private static partial Regex Word();

    [GeneratedRegex("(?<=..)(?:es|s|ed|d|ing|e)$")]
    private static partial Regex Ending();

    [GeneratedRegex(@"\b(?:a|an|the|of|for|to|in|on|at|by|with|from|and|or|its?|this|that|is|are|was|were|be|been|has|have|gets?|sets?|returns?|all|each|one|when|whether|which|value|new)\b", RegexOptions.IgnoreCase)]
    private static partial Regex StopWord();
}
