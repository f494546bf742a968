using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Splits texts into sentences and words.</summary>
internal static partial class ProseSentences
{
    public const int MostWords = 25;

    /// <summary>Sentences that are too long, or that have more than one semicolon.</summary>
    public static IEnumerable<ProseHit> Find(ProseText text)
    {
        if ((text.Kind & ProseKinds.Public) == ProseKinds.None || IsCode(text))
            yield break;
        foreach (var (sentence, index) in Split(text))
        {
            var words = CountWords(sentence);
            if (words > MostWords)
                yield return new ProseHit("long-sentence", text.File, text.LineAt(index), $"{words} words, at most {MostWords}: '{Start(sentence)}'");
            if (Semicolon().Count(sentence) > 1)
                yield return new ProseHit("semicolons", text.File, text.LineAt(index), $"more than one semicolon: '{Start(sentence)}'");
        }
    }

    public static IEnumerable<(string Sentence, int Index)> Split(ProseText text)
    {
        var start = 0;
        foreach (Match end in (text.Kind == ProseKinds.Document ? SentenceEnd() : SentenceOrLineEnd()).Matches(text.Text))
        {
            if (Abbreviation().IsMatch(text.Text[start..(end.Index + 1)]))
                continue;
            yield return (text.Text[start..(end.Index + end.Length)], start);
            start = end.Index + end.Length;
        }
        if (start < text.Text.Length)
            yield return (text.Text[start..], start);
    }

    public static int CountWords(string text) => Word().Count(text);

    /// <summary>Whether a string is SQL, a regular expression or markup.</summary>
    private static bool IsCode(ProseText text) => text.Kind == ProseKinds.Literal && Code().IsMatch(text.Text);

    private static string Start(string sentence) => string.Join(' ', Space().Split(sentence.Trim()).Take(8));

    [GeneratedRegex(@"[.!?]+[""')\]]*(?=\s)")]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(@"[.!?]+[""')\]]*(?=[\s\v])|[\n\v]+")]
    private static partial Regex SentenceOrLineEnd();

    [GeneratedRegex(@"\b(?:e\.g|i\.e|etc|vs|cf|approx|incl)\.$", RegexOptions.IgnoreCase)]
    private static partial Regex Abbreviation();

    [GeneratedRegex(@"[\p{L}\p{N}{$][\w'’{}$./:@%+-]*")]
    private static partial Regex Word();

    [GeneratedRegex(@"^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|DROP|ALTER|PRAGMA|BEGIN|SET|LOCK|TRUNCATE|VACUUM)\b|\b(?:FROM|WHERE|VALUES|JOIN)\s|\(\?|\[\^|\\[dswb]|</?\w+>")]
    private static partial Regex Code();

    [GeneratedRegex(@";(?=\s|$)")]
    private static partial Regex Semicolon();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
