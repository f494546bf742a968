using System.Text.Json;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Checks the fenced blocks of pages.</summary>
internal static partial class ProseFences
{
    /// <summary>Its unmarked commands start both programs; <c>ReadmeTests</c> executes them.</summary>
    private const string Tutorial = "docs/tutorial/getting-started.md";

    private static readonly string[] Consoles = ["sh", "shell", "console", "zsh", "shell-session", "terminal"];

    /// <summary>Commands without a marker, and blocks without a language.</summary>
    public static IEnumerable<ProseHit> Find(string file, ProseFence fence)
    {
        if (Consoles.Contains(fence.Language, StringComparer.Ordinal))
            yield return new ProseHit("fence-language", file, fence.Line, $"'{fence.Language}': use bash with a marker");
        else if (fence.Language.Length == 0 && !file.StartsWith("docs/formats/", StringComparison.Ordinal))
            yield return new ProseHit("fence-language", file, fence.Line, "name the language: bash for commands, text for output");
        else if (fence.Language == "text" && Prompt().IsMatch(fence.Content))
            yield return new ProseHit("fence-language", file, fence.Line, "commands after a prompt: use bash with a marker");
        else if (fence.Language == "bash" && !Marker().IsMatch(fence.Marker) && !(fence.Marker.Length == 0 && file == Tutorial))
            yield return new ProseHit("unmarked-command", file, fence.Line, "mark it: ```bash run, or ```bash skip=\"reason\"");
    }

    /// <summary>Blocks of JSON, YAML or INI that cannot be parsed.</summary>
    public static IEnumerable<ProseHit> Unparsed(string file, ProseFence fence)
    {
        string? problem = null;
        try
        {
            if (fence.Language == "json")
                JsonDocument.Parse(fence.Content).Dispose();
            else if (fence.Language is "yaml" or "yml")
                new YamlStream().Load(new StringReader(Unindent(fence.Content)));
            else if (fence.Language == "ini" && Unindent(fence.Content).Split('\n').FirstOrDefault(line => !IniLine().IsMatch(line)) is { } line)
                problem = $"'{line}' is no section, key or comment";
        }
        catch (Exception exception) when (exception is JsonException or YamlException)
        {
            problem = exception.Message;
        }
        if (problem is not null)
            yield return new ProseHit("fence-syntax", file, fence.Line, $"the {fence.Language} cannot be parsed: {problem}");
    }

    /// <summary>A block in a list item is indented as a whole.</summary>
    private static string Unindent(string text)
    {
        var lines = text.Split('\n');
        var indent = lines.Where(line => !string.IsNullOrWhiteSpace(line)).Select(line => line.Length - line.TrimStart().Length).DefaultIfEmpty().Min();
        return string.Join('\n', lines.Select(line => line.Length < indent ? "" : line[indent..]));
    }

    [GeneratedRegex("""^(?:run|skip="[^"]*[^"\s][^"]*")$""")]
    private static partial Regex Marker();

    [GeneratedRegex(@"^\s*\$ \S", RegexOptions.Multiline)]
    private static partial Regex Prompt();

    [GeneratedRegex(@"^(?:\s*[#;].*|\s*\[[^\]]+\]\s*|[^=\[\]]+=.*|\s+\S.*|\s*)$")]
    private static partial Regex IniLine();
}
