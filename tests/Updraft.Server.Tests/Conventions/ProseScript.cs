using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Finds the comments, help texts and messages of a shell script, and the comments of a configuration file.</summary>
internal static partial class ProseScript
{
    public static IReadOnlyList<ProseText> Parse(string file, string text)
    {
        var texts = new List<ProseText>();
        var lines = text.Split('\n');
        ProseText? comment = null;
        string? helpEnd = null;
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i];
            if (helpEnd is not null)
            {
                helpEnd = line.Trim() == helpEnd ? null : helpEnd;
                if (helpEnd is not null)
                    Add(line, i + 1);
                continue;
            }
            if (WholeComment().Match(line) is { Success: true } whole)
            {
                if (comment is null)
                    texts.Add(comment = new ProseText(file, ProseKinds.Script));
                else
                    comment.Append("\n", i);
                comment.Append(whole.Groups["text"].Value, i + 1);
                continue;
            }
            comment = null;
            helpEnd = Help().Match(line) is { Success: true } help ? help.Groups["end"].Value : null;
            foreach (Match message in Message().Matches(line))
                Add(message.Groups["text"].Value, i + 1);
            if (EndComment().Match(line) is { Success: true } end)
                Add(end.Groups["text"].Value, i + 1);
        }
        foreach (var found in texts)
            found.Rewrite(plain => Code().Replace(plain, match => new string('X', match.Length)));
        return texts;

        void Add(string part, int line)
        {
            if (part.Any(char.IsLetter))
                texts.Add(new ProseText(file, ProseKinds.Script, part, line));
        }
    }

    [GeneratedRegex(@"^\s*#(?!!)(?<text>.*)$")]
    private static partial Regex WholeComment();

    [GeneratedRegex(@"\s# (?<text>[^""']*)$")]
    private static partial Regex EndComment();

    [GeneratedRegex("\\b(?:echo|printf|say|fail|die|note|step|usage)\\s+(?:-\\w+\\s+)*(?:\"(?<text>(?:[^\"\\\\]|\\\\.)*)\"|'(?<text>[^']*)')", RegexOptions.ExplicitCapture)]
    private static partial Regex Message();

    [GeneratedRegex(@"<<-?\s*[""']?(?<end>HELP|USAGE)\b")]
    private static partial Regex Help();

    [GeneratedRegex(@"\$\([^()]*\)|\$\{[^}]*\}|\$\w+|`[^`]+`|https?://\S+")]
    private static partial Regex Code();
}
