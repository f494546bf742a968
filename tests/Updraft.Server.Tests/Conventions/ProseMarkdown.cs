using System.Text;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>A heading of a page.</summary>
/// <param name="Level">1 to 6.</param>
/// <param name="Text">Without marks.</param>
/// <param name="Line">Counted from 1.</param>
/// <param name="Anchor">The fragment by which GitHub links to it.</param>
internal sealed record ProseHeading(int Level, string Text, int Line, string Anchor);

/// <summary>A fenced block.</summary>
/// <param name="Language">First word of the info string.</param>
/// <param name="Marker">The rest of the info string.</param>
/// <param name="Line">Line of the opening fence, counted from 1.</param>
/// <param name="Content">The lines between the fences.</param>
internal sealed record ProseFence(string Language, string Marker, int Line, string Content);

/// <summary>The target of a link or a picture.</summary>
internal sealed record ProseLink(string Target, int Line);

/// <summary>Reads a Markdown page into units of prose, headings, fences and links.</summary>
internal sealed partial class ProseMarkdown
{
    private readonly string _file;
    private readonly HashSet<string> _anchors = new(StringComparer.Ordinal);
    private readonly List<ProseText> _units = [];
    private readonly List<ProseHeading> _headings = [];
    private readonly List<ProseFence> _fences = [];
    private readonly List<ProseLink> _links = [];
    private readonly List<(int Line, string Text)> _lines = [];
    private ProseText? _open;

    private ProseMarkdown(string file) => _file = file;

    /// <summary>Paragraphs, list items, headings and table cells. Inline code is one word of the letter X.</summary>
    public IReadOnlyList<ProseText> Units => _units;

    public IReadOnlyList<ProseHeading> Headings => _headings;

    public IReadOnlyList<ProseFence> Fences => _fences;

    public IReadOnlyList<ProseLink> Links => _links;

    /// <summary>Lines outside of fences.</summary>
    public IReadOnlyList<(int Line, string Text)> Lines => _lines;

    public bool HasAnchor(string fragment) => _anchors.Contains(fragment);

    public static ProseMarkdown Parse(string file, string text)
    {
        var page = new ProseMarkdown(file);
        page.ReadBlocks(Comment().Replace(text, match => Blank(match.Value)).Split('\n'));
        foreach (var unit in page._units)
        {
            page.ReadLinks(unit);
            unit.Rewrite(WithoutMarks);
        }
        page._units.RemoveAll(unit => string.IsNullOrWhiteSpace(unit.Text));
        return page;
    }

    private void ReadBlocks(string[] lines)
    {
        for (var i = 0; i < lines.Length; i++)
        {
            if (Fence().Match(lines[i]) is { Success: true } fence)
            {
                _open = null;
                var end = Array.FindIndex(lines, i + 1, line => line.Trim().StartsWith(fence.Groups["mark"].Value, StringComparison.Ordinal));
                end = end < 0 ? lines.Length : end;
                _fences.Add(new ProseFence(fence.Groups["language"].Value, fence.Groups["marker"].Value.Trim(), i + 1,
                    string.Join('\n', lines[(i + 1)..end])));
                i = end;
                continue;
            }
            _lines.Add((i + 1, lines[i]));
            ReadLine(lines[i], i + 1);
        }
    }

    private void ReadLine(string line, int number)
    {
        var text = Quote().Replace(line, "");
        if (string.IsNullOrWhiteSpace(text))
        {
            _open = null;
        }
        else if (Heading().Match(text) is { Success: true } heading)
        {
            AddHeading(heading.Groups["marks"].Length, heading.Groups["text"].Value, number);
            _open = null;
        }
        else if (text.TrimStart().StartsWith('|'))
        {
            _open = null;
            if (!TableRule().IsMatch(text))
                AddCells(text, number);
        }
        else
        {
            foreach (Match id in HtmlId().Matches(text))
                _anchors.Add(id.Groups["id"].Value);
            var item = Item().Match(text);
            if (item.Success || _open is null)
                _units.Add(_open = new ProseText(_file, ProseKinds.Document));
            else
                _open.Append(" ", number);
            _open.Append(item.Success ? text[item.Length..] : text.Trim(), number);
        }
    }

    private void AddHeading(int level, string text, int number)
    {
        _units.Add(new ProseText(_file, ProseKinds.Document, text, number));
        var plain = LinkTarget().Replace(text, "").Replace("[", "", StringComparison.Ordinal).Replace("`", "", StringComparison.Ordinal)
            .Replace("*", "", StringComparison.Ordinal).Trim();
        var slug = Slug(plain);
        var anchor = slug;
        for (var i = 1; !_anchors.Add(anchor); i++)
            anchor = $"{slug}-{i}";
        _headings.Add(new ProseHeading(level, plain, number, anchor));
    }

    /// <summary>GitHub's rule: lower case, letters, digits, hyphens and underscores stay, spaces become hyphens.</summary>
    private static string Slug(string heading)
    {
        var slug = new StringBuilder();
        foreach (var letter in heading)
        {
            if (char.IsLetterOrDigit(letter) || letter is '-' or '_')
                slug.Append(char.ToLowerInvariant(letter));
            else if (letter == ' ')
                slug.Append('-');
        }
        return slug.ToString();
    }

    private void AddCells(string row, int number)
    {
        foreach (var cell in CellEnd().Split(InlineCode().Replace(row, match => match.Value.Replace('|', '/'))))
        {
            if (!string.IsNullOrWhiteSpace(cell))
                _units.Add(new ProseText(_file, ProseKinds.Document, cell.Trim(), number));
        }
    }

    private void ReadLinks(ProseText unit)
    {
        var text = InlineCode().Replace(unit.Text, match => new string('X', match.Length));
        foreach (Match link in LinkTarget().Matches(text).Concat(ReferenceTarget().Matches(text)).Concat(HtmlTarget().Matches(text)))
            _links.Add(new ProseLink(link.Groups["target"].Value, unit.LineAt(link.Index)));
    }

    /// <summary>Replaces code by X and link targets, tags and emphasis by spaces; the length stays.</summary>
    private static string WithoutMarks(string text)
    {
        text = InlineCode().Replace(text, match => new string('X', match.Length));
        text = LinkTarget().Replace(text, match => Blank(match.Value));
        text = ReferenceTarget().Replace(text, match => Blank(match.Value));
        text = BareUrl().Replace(text, match => new string('X', match.Length));
        text = Tag().Replace(text, match => Blank(match.Value));
        return Emphasis().Replace(text, match => Blank(match.Value));
    }

    private static string Blank(string text) => string.Create(text.Length, text, static (span, source) =>
    {
        for (var i = 0; i < span.Length; i++)
            span[i] = source[i] == '\n' ? '\n' : ' ';
    });

    [GeneratedRegex("<!--.*?-->", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"^\s*(?:>\s*)?(?:[-*+]\s+|\d+[.)]\s+)?(?<mark>```+|~~~+)\s*(?<language>[^\s`{]*)(?<marker>[^`]*)$")]
    private static partial Regex Fence();

    [GeneratedRegex(@"^\s*(>\s?)+")]
    private static partial Regex Quote();

    [GeneratedRegex(@"^(?<marks>#{1,6})\s+(?<text>.+?)\s*#*$")]
    private static partial Regex Heading();

    [GeneratedRegex(@"^[\s|:-]+$")]
    private static partial Regex TableRule();

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex CellEnd();

    [GeneratedRegex(@"^\s*(?:[-*+]|\d+[.)])\s+(?:\[[ x]\]\s+)?")]
    private static partial Regex Item();

    [GeneratedRegex("(?<mark>`+)(?!`).+?(?<!`)\\k<mark>(?!`)", RegexOptions.Singleline)]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"\]\(\s*<?(?<target>[^)\s>]+)>?(?:\s+""[^""]*"")?\s*\)")]
    private static partial Regex LinkTarget();

    [GeneratedRegex(@"^\[[^\]]+\]:\s*(?<target>\S+)")]
    private static partial Regex ReferenceTarget();

    [GeneratedRegex("""(?:href|src)="(?<target>[^"]+)""")]
    private static partial Regex HtmlTarget();

    [GeneratedRegex("""<a\s+(?:id|name)="(?<id>[^"]+)""")]
    private static partial Regex HtmlId();

    [GeneratedRegex(@"<?https?://[^\s)>|]+[^\s)>|.,;:!?]>?")]
    private static partial Regex BareUrl();

    [GeneratedRegex(@"</?[a-zA-Z][^<>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex(@"\*+|!?\[|\]|(?<!\w)_|_(?!\w)")]
    private static partial Regex Emphasis();
}
