using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Finds the texts of a Razor file: text between tags, attributes that are shown, and strings in its C# parts.</summary>
internal sealed partial class ProseRazor
{
    private readonly string _file, _text;
    private readonly List<ProseText> _texts = [];
    private readonly List<ProseText> _comments = [];
    private ProseText? _open;
    private int _line = 1, _lineIndex;

    private ProseRazor(string file, string text) => (_file, _text) = (file, text);

    public IReadOnlyList<ProseText> Texts => _texts;

    public IReadOnlyList<ProseText> Comments => _comments;

    public static ProseRazor Parse(string file, string text)
    {
        var parsed = new ProseRazor(file, RazorComment().Replace(text, match => NotNewline().Replace(match.Value, " ")));
        for (var i = 0; i < parsed._text.Length;)
            i = parsed.Next(i);
        parsed._texts.RemoveAll(found => !found.Text.Any(char.IsLetter));
        return parsed;
    }

    private int Next(int i)
    {
        if (Block().Match(_text, i) is { Success: true } block)
            return CSharp(i + block.Length, after: 1);
        if (Directive().Match(_text, i) is { Success: true } directive)
            return i + directive.Length;
        if (Branch().Match(_text, i) is { Success: true } branch)
            return CSharp(i + branch.Length, after: 1);
        if (Statement().Match(_text, i) is { Success: true } statement)
        {
            Fragment(i, i + statement.Length);
            return i + statement.Length;
        }
        if (_text[i] == '@' && i + 1 < _text.Length && _text[i + 1] == '(')
        {
            Append("X", i);
            return CSharp(i + 2, after: 1);
        }
        if (Expression().Match(_text, i) is { Success: true } expression)
        {
            Append("X", i);
            return Calls(i + expression.Length);
        }
        if (_text[i] == '<' && TagName().Match(_text, i) is { Success: true } tag)
            return Tag(i, tag);
        var entity = Entity().Match(_text, i).Length;
        if (_text[i] is '{' or '}')
            _open = null;
        else
            Append(entity > 0 ? " " : _text[i].ToString(), i);
        return i + Math.Max(1, entity);
    }

    /// <summary>Reads C# up to its closing bracket, and returns the index after it.</summary>
    private int CSharp(int start, int after)
    {
        var end = ProseCSharp.Closing(_text, start);
        Fragment(start, end);
        return Math.Min(end + after, _text.Length);
    }

    private void Fragment(int start, int end)
    {
        var code = ProseCSharp.Parse(_file, _text[start..end], ProseKinds.Page, LineOf(start));
        _texts.AddRange(code.Strings);
        _comments.AddRange(code.Comments);
    }

    /// <summary>Skips calls and indexes that follow the name in an implicit expression.</summary>
    private int Calls(int i)
    {
        while (i < _text.Length && _text[i] is '(' or '[')
        {
            i = CSharp(i + 1, after: 1);
            i += Member().Match(_text, i).Length;
        }
        return i;
    }

    private int Tag(int i, Match tag)
    {
        if (!Inline().IsMatch(tag.Groups["name"].Value))
            _open = null;
        i += tag.Length;
        while (i < _text.Length && _text[i] != '>')
        {
            if (Attribute().Match(_text, i) is { Success: true } attribute)
                i = Value(i + attribute.Length, attribute.Groups["name"].Value);
            else
                i++;
        }
        return i + 1;
    }

    private int Value(int start, string name)
    {
        var (i, hasCode) = (start, false);
        while (i < _text.Length && _text[i] != '"')
        {
            var isExplicit = _text[i] == '@' && i + 1 < _text.Length && _text[i + 1] == '(';
            hasCode |= _text[i] == '@';
            if (isExplicit)
                i = CSharp(i + 2, after: 1);
            else if (Expression().Match(_text, i) is { Success: true } expression)
                i = Calls(i + expression.Length);
            else
                i++;
        }
        if (!hasCode && Shown().IsMatch(name))
            _texts.Add(new ProseText(_file, ProseKinds.Page, _text[start..i], LineOf(start)));
        return i + 1;
    }

    private void Append(string text, int i)
    {
        if (_open is null)
        {
            if (string.IsNullOrWhiteSpace(text))
                return;
            _texts.Add(_open = new ProseText(_file, ProseKinds.Page));
        }
        _open.Append(text == "\n" ? " " : text, LineOf(i));
    }

    /// <summary>The line of an index; indexes mostly come in order.</summary>
    private int LineOf(int index)
    {
        if (index < _lineIndex)
            (_line, _lineIndex) = (1, 0);
        _line += _text.AsSpan(_lineIndex, index - _lineIndex).Count('\n');
        _lineIndex = index;
        return _line;
    }

    [GeneratedRegex(@"@\*.*?\*@", RegexOptions.Singleline)]
    private static partial Regex RazorComment();

    [GeneratedRegex(@"[^\n]")]
    private static partial Regex NotNewline();

    [GeneratedRegex(@"\G@(?:code|functions)?\s*\{")]
    private static partial Regex Block();

    [GeneratedRegex(@"\G(?<=^[ \t]*)@(?:namespace|inherits|inject|using|page|implements|layout|attribute|typeparam|rendermode)\b[^\n]*", RegexOptions.Multiline)]
    private static partial Regex Directive();

    [GeneratedRegex(@"\G(?:@(?:if|foreach|for|while|switch)|(?<=^[ \t]*)(?:else\s+if|if|foreach))\s*\(", RegexOptions.Multiline)]
    private static partial Regex Branch();

    [GeneratedRegex(@"\G(?<=^[ \t]*)(?:else\b|case\b[^\n]*:|default:|break;|(?:var|return|continue)\b[^\n]*;|[\w.]+ \+?= [^\n]*;|[\w.]+\([^\n]*\);)[ \t]*$", RegexOptions.Multiline)]
    private static partial Regex Statement();

    [GeneratedRegex(@"\G@[A-Za-z_]\w*(?:[!?]?\.[A-Za-z_]\w*)*")]
    private static partial Regex Expression();

    [GeneratedRegex(@"\G(?:[!?]?\.[A-Za-z_]\w*)*")]
    private static partial Regex Member();

    [GeneratedRegex(@"\G</?(?<name>[A-Za-z][\w.-]*)|\G<!--")]
    private static partial Regex TagName();

    [GeneratedRegex("^(?:a|abbr|b|code|em|i|kbd|small|span|strong|time|Moment|Who)$")]
    private static partial Regex Inline();

    [GeneratedRegex("\\G(?<name>[@\\w:-]+)=\"")]
    private static partial Regex Attribute();

    [GeneratedRegex("^(?:title|alt|placeholder|label|aria-label|data-label|Title|Label|Here|Text|Heading|Hint|Note|Empty|Description)$")]
    private static partial Regex Shown();

    [GeneratedRegex(@"\G&\w+;")]
    private static partial Regex Entity();
}
