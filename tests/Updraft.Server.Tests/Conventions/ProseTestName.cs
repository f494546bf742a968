using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Finds the names of test methods.</summary>
internal static partial class ProseTestName
{
    public static IEnumerable<ProseText> Read(string file, string text)
    {
        var (line, at) = (1, 0);
        foreach (Match method in Method().Matches(text))
        {
            line += text.AsSpan(at, method.Index - at).Count('\n');
            at = method.Index;
            yield return new ProseText(file, ProseKinds.TestName, method.Groups["name"].Value.Replace('_', ' '), line);
        }
    }

    [GeneratedRegex(@"^[ \t]+public (?:static |virtual |override )*(?:async )?(?:Task|ValueTask|void)(?:<[^>\n]+>)? (?<name>[A-Za-z]\w*_\w*)\(", RegexOptions.Multiline)]
    private static partial Regex Method();
}
