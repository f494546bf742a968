using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Finds the strings and comments of C# text. Strings that a plus joins are one text; a hole of an interpolated string is the word X.</summary>
internal sealed partial class ProseCSharp
{
    private readonly string _file, _text;
    private readonly ProseKinds _literals;
    private readonly int _firstLine;
    private readonly List<ProseText> _strings = [], _comments = [];
    private int _stringEnd = -1, _commentEnd = -1;
    private ProseText? _lastString;

    private ProseCSharp(string file, string text, ProseKinds literals, int firstLine) =>
        (_file, _text, _literals, _firstLine) = (file, text, literals, firstLine);

    public IReadOnlyList<ProseText> Strings => _strings;

    public IReadOnlyList<ProseText> Comments => _comments;

    /// <param name="file">Path relative to the root of the checkout.</param>
    /// <param name="text">C# text.</param>
    /// <param name="literals">The kind of its strings.</param>
    /// <param name="firstLine">Line at which the text begins in the file.</param>
    public static ProseCSharp Parse(string file, string text, ProseKinds literals = ProseKinds.Literal, int firstLine = 1)
    {
        var parsed = new ProseCSharp(file, text, literals, firstLine);
        for (var i = 0; i < text.Length; i++)
            i = parsed.Code(i);
        parsed._strings.RemoveAll(found => !found.Text.Contains(' ', StringComparison.Ordinal) || !found.Text.Any(char.IsLetter));
        foreach (var comment in parsed._comments)
            comment.Rewrite(WithoutTags);
        return parsed;
    }

    /// <summary>The index of the bracket that closes the one before <paramref name="start"/>, or the end of the text.</summary>
    public static int Closing(string text, int start) => new ProseCSharp("", text, ProseKinds.Literal, 1).Code(start);

    /// <summary>Reads code from an index to an unmatched closing bracket or to the end.</summary>
    private int Code(int i)
    {
        var depth = 0;
        while (i < _text.Length)
        {
            if (Rest(i).StartsWith("//"))
            {
                i = LineComment(i);
            }
            else if (Rest(i).StartsWith("/*"))
            {
                var end = _text.IndexOf("*/", i + 2, StringComparison.Ordinal);
                end = end < 0 ? _text.Length : end;
                _comments.Add(new ProseText(_file, ProseKinds.Comment, _text[(i + 2)..end], LineOf(i)));
                i = Math.Min(end + 2, _text.Length);
            }
            else if (_text[i] == '\'')
            {
                i = Character().Match(_text, i) is { Success: true } character ? i + character.Length : i + 1;
            }
            else if (StringStart().Match(_text, i) is { Success: true } start)
            {
                i = String(i, start);
            }
            else if (_text[i] is '{' or '(' or '[')
            {
                depth++;
                i++;
            }
            else if (_text[i] is '}' or ')' or ']' && depth-- == 0)
            {
                return i;
            }
            else
            {
                i++;
            }
        }
        return i;
    }

    private int LineComment(int i)
    {
        var end = _text.IndexOf('\n', i);
        end = end < 0 ? _text.Length : end;
        var text = _text[i..end].TrimStart('/').TrimEnd('\r');
        if (_commentEnd >= 0 && _commentEnd < i && string.IsNullOrWhiteSpace(_text[_commentEnd..i]) && _text[_commentEnd..i].Count(letter => letter == '\n') == 1)
            _comments[^1].Append("\n", LineOf(i) - 1);
        else
            _comments.Add(new ProseText(_file, ProseKinds.Comment));
        _comments[^1].Append(text, LineOf(i));
        _commentEnd = end;
        return end;
    }

    private int String(int i, Match start)
    {
        var text = _lastString is not null && _stringEnd <= i && Joined().IsMatch(_text[_stringEnd..i]) ? _lastString : new ProseText(_file, _literals);
        if (text != _lastString)
            _strings.Add(text);
        var (holes, quotes) = (start.Groups["holes"].Value, start.Groups["quotes"].Value);
        var (dollars, isVerbatim) = (holes.Count(letter => letter == '$'), holes.Contains('@', StringComparison.Ordinal));
        i = Content(i + start.Length, text, quotes, dollars, isVerbatim);
        (_lastString, _stringEnd) = (text, i);
        return i;
    }

    /// <summary>Reads the content of a string, and returns the index after its closing quotes.</summary>
    private int Content(int i, ProseText text, string quotes, int dollars, bool isVerbatim)
    {
        var isRaw = quotes.Length >= 3;
        while (i < _text.Length)
        {
            var rest = Rest(i);
            if (isVerbatim && rest.StartsWith("\"\""))
            {
                text.Append("\"", LineOf(i));
                i += 2;
            }
            else if (rest.StartsWith(quotes))
            {
                return i + quotes.Length;
            }
            else if (dollars == 1 && !isRaw && (rest.StartsWith("{{") || rest.StartsWith("}}")))
            {
                text.Append(rest[..1].ToString(), LineOf(i));
                i += 2;
            }
            else if (dollars > 0 && rest.StartsWith(new string('{', dollars)))
            {
                text.Append("X", LineOf(i));
                i = Math.Min(Code(i + dollars) + dollars, _text.Length);
            }
            else if (!isRaw && !isVerbatim && rest[0] == '\\')
            {
                text.Append(rest.Length > 1 && rest[1] is 'n' or 't' or 'r' ? "\v" : rest[1..].Length > 0 ? rest[1..2].ToString() : "", LineOf(i));
                i += 2;
            }
            else
            {
                text.Append(rest[..1].ToString(), LineOf(i));
                i++;
            }
        }
        return i;
    }

    private ReadOnlySpan<char> Rest(int i) => _text.AsSpan(i);

    private int LineOf(int index) => _firstLine + _text.AsSpan(0, Math.Min(index, _text.Length)).Count('\n');

    /// <summary>Code and references of a comment become X, other tags become spaces; the length stays.</summary>
    private static string WithoutTags(string comment)
    {
        comment = Quoted().Replace(comment, match => new string('X', match.Length));
        return Tag().Replace(comment, match => new string(' ', match.Length));
    }

    [GeneratedRegex("\\G(?:(?<holes>\\$*)(?<quotes>\"{3,})|(?<holes>\\$@|@\\$?|\\$|)(?<quotes>\"))")]
    private static partial Regex StringStart();

    [GeneratedRegex(@"\G'(?:\\.[^']*|[^'\\\n])'")]
    private static partial Regex Character();

    [GeneratedRegex(@"^\s*\+\s*$")]
    private static partial Regex Joined();

    [GeneratedRegex(@"<c>.*?</c>|<code>.*?</code>|<(?:see|seealso|paramref|typeparamref)\b[^>]*?/>|`[^`\n]+`", RegexOptions.Singleline)]
    private static partial Regex Quoted();

    [GeneratedRegex(@"</?(?:summary|remarks|param|returns|exception|para|list|item|description|term|value|typeparam|example|inheritdoc|b|i|see|a)\b[^>\n]*>")]
    private static partial Regex Tag();
}
