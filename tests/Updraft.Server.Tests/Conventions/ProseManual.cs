using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>The form of the pages of the manual.</summary>
internal static partial class ProseManual
{
    public const int MostWords = 1200, MostLetters = 120;

    private static readonly string[] HowToHeadings = ["Prerequisites", "Steps", "If it fails"];

    /// <summary>Pages whose title and place already say their kind.</summary>
    private static readonly string[] Indexes = ["README.md", "docs/README.md"];

    /// <summary>The kind of a page by its label: <c>&gt; **How-to.** For …</c>.</summary>
    public static string? Kind(ProseMarkdown page) =>
        page.Lines.Where(line => line.Line == 3).Select(line => Label().Match(line.Text)).FirstOrDefault(match => match.Success)?.Groups["kind"].Value;

    /// <summary>Title, label, headings, length of the page and of its lines, names of source files.</summary>
    public static IEnumerable<ProseHit> Find(string file, ProseMarkdown page)
    {
        if (page.Lines is not [{ Text: ['#', ' ', ..] }, ..])
            yield return new ProseHit("title", file, 1, "the first line is '# Title'");
        var kind = Kind(page);
        foreach (var hit in Indexes.Contains(file) ? [] : Labels(file, page, kind))
            yield return hit;
        if (kind == "How-to" && !file.EndsWith("/troubleshoot.md", StringComparison.Ordinal))
        {
            var headings = page.Headings.Where(heading => heading.Level == 2).Select(heading => heading.Text).Where(HowToHeadings.Contains);
            if (!headings.SequenceEqual(HowToHeadings))
                yield return new ProseHit("how-to-headings", file, 1, $"a how-to has the headings {string.Join(", ", HowToHeadings)} once and in this order");
        }
        var words = page.Units.Sum(unit => ProseSentences.CountWords(unit.Text));
        if (words > MostWords && kind is not ("Reference" or "Decision" or "Contributing"))
            yield return new ProseHit("page-words", file, 1, $"{words} words, at most {MostWords}: split the page");
        foreach (var (line, text) in page.Lines.Where(line => line.Text.Length > MostLetters && IsProse(line.Text)))
            yield return new ProseHit("line-length", file, line, $"{text.Length} characters, at most {MostLetters}: wrap the line");
        foreach (var (line, text) in kind is "Contributing" or "Decision" ? [] : page.Lines)
        {
            if (SourceFile().Match(text) is { Success: true } source)
                yield return new ProseHit("source-file", file, line, $"'{source.Value}': only pages for contributors name source files");
        }
    }

    private static IEnumerable<ProseHit> Labels(string file, ProseMarkdown page, string? kind)
    {
        var expected = file.Split('/') is ["docs", var directory, ..] && Directory(directory) is { } named ? named : null;
        if (kind is null)
            yield return new ProseHit("label", file, 3, $"line 3 is '> **{expected ?? "Reference"}.** For …' (Tutorial, How-to, Reference, Explanation, Decision or Contributing)");
        else if (expected is not null && kind != expected)
            yield return new ProseHit("label", file, 3, $"the directory is for the kind {expected}, not {kind}");
        else if (page.Units.First(unit => unit.Line == 3) is var label && ProseSentences.Split(label).Count(part => part.Sentence.Any(char.IsLetter)) > 3)
            yield return new ProseHit("label", file, 3, "the label has at most two sentences after the kind");
    }

    private static string? Directory(string name) => name switch
    {
        "tutorial" => "Tutorial",
        "how-to" => "How-to",
        "reference" or "formats" => "Reference",
        "explanation" => "Explanation",
        "decisions" => "Decision",
        "contributing" => "Contributing",
        _ => null,
    };

    private static bool IsProse(string line) => !line.TrimStart().StartsWith('|') && !line.TrimStart().StartsWith('<') && !LongLink().IsMatch(line);

    [GeneratedRegex(@"^> \*\*(?<kind>Tutorial|How-to|Reference|Explanation|Decision|Contributing)\.\*\*\s+\S")]
    private static partial Regex Label();

    [GeneratedRegex(@"\b\w+\.(?:cs|csproj|razor)\b")]
    private static partial Regex SourceFile();

    [GeneratedRegex(@"^\s*(?:>\s*)?(?:[-*+]\s+|\d+\.\s+)?(?:!?\[[^\]]*\]\([^)]*\)|\[[^\]]+\]:\s*\S+|`[^`]+`)[.:]?\s*$")]
    private static partial Regex LongLink();
}
