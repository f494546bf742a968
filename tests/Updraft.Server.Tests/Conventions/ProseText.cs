using System.Text;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Kinds of text that a user or a contributor reads.</summary>
[Flags]
internal enum ProseKinds
{
    None = 0,

    /// <summary>Prose of a Markdown page, without code.</summary>
    Document = 1,

    /// <summary>Text of the web UI: markup and strings of a Razor file.</summary>
    Page = 2,

    /// <summary>A string in C# that contains a space and a letter.</summary>
    Literal = 4,

    /// <summary>A comment in C#.</summary>
    Comment = 8,

    /// <summary>The name of a test method, with spaces for underscores.</summary>
    TestName = 16,

    /// <summary>A comment, help text or message of a script, or a comment of a configuration file.</summary>
    Script = 32,

    /// <summary>Texts that users see while they use the product or its documentation.</summary>
    Public = Document | Page | Literal,

    All = Public | Comment | TestName | Script,
}

/// <summary>One unit of text: a paragraph, list item, table cell, string, comment or name. It remembers the source line of each part.</summary>
internal sealed class ProseText(string file, ProseKinds kind)
{
    private readonly StringBuilder _text = new();
    private readonly List<(int Start, int Line)> _parts = [];
    private string? _whole;

    public ProseText(string file, ProseKinds kind, string text, int line = 1)
        : this(file, kind) => Append(text, line);

    /// <summary>Path relative to the root of the checkout.</summary>
    public string File { get; } = file;

    public ProseKinds Kind { get; } = kind;

    public string Text => _whole ??= _text.ToString();

    /// <summary>The first line, counted from 1.</summary>
    public int Line => _parts is [] ? 1 : _parts[0].Line;

    public void Append(string text, int line)
    {
        _whole = null;
        _parts.Add((_text.Length, line));
        _text.Append(text);
    }

    /// <summary>Replaces the text by one of the same length, so that all lines stay right.</summary>
    public void Rewrite(Func<string, string> rewrite)
    {
        var text = rewrite(Text);
        if (text.Length != _text.Length)
            throw new InvalidOperationException($"The rewritten text has {text.Length} characters, not {_text.Length}.");
        _text.Clear().Append(text);
        _whole = text;
    }

    /// <summary>The source line of the character at an index.</summary>
    public int LineAt(int index)
    {
        var part = _parts.FindLast(part => part.Start <= index);
        return part.Line + Text.AsSpan(part.Start, index - part.Start).Count('\n');
    }
}

/// <summary>A place in a file that breaks a rule.</summary>
/// <param name="Rule">Short name of the rule, as in the allow-list.</param>
/// <param name="File">Path relative to the root of the checkout.</param>
/// <param name="Line">Counted from 1.</param>
/// <param name="Message">The words that were found, and a suggestion.</param>
internal sealed record ProseHit(string Rule, string File, int Line, string Message)
{
    public override string ToString() => $"{File}:{Line} {Rule} {Message}";

    /// <summary>Fails when there is a hit.</summary>
    public static void AssertNone(IEnumerable<ProseHit> hits)
    {
        var all = hits.OrderBy(hit => hit.File, StringComparer.Ordinal).ThenBy(hit => hit.Line).ToList();
        Assert.True(all.Count == 0, $"{all.Count} violations:\n" + string.Join('\n', all));
    }
}
