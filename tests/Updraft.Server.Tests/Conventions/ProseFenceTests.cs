using System.Text.Json;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Commands in pages are executed by a test or say why not; configuration in pages can be parsed.</summary>
public sealed partial class ProseFenceTests
{
    /// <summary>Pages whose unmarked commands the test of the README executes.</summary>
    private static readonly string[] ExecutedAsTutorial = ["README.md", "docs/tutorial/getting-started.md"];

    private static readonly string[] Consoles = ["sh", "shell", "console", "zsh", "shell-session", "terminal"];

    [Fact]
    public void Commands_are_executed_or_say_why_not() =>
        ProseHit.AssertNone(from page in ProseTree.Documents from fence in page.Value.Fences from hit in Find(page.Key, fence) select hit);

    [Fact]
    public void Blocks_of_configuration_can_be_parsed() =>
        ProseHit.AssertNone(from page in ProseTree.Documents from fence in page.Value.Fences from hit in Unparsed(page.Key, fence) select hit);

    [Theory]
    [InlineData("```bash\nls\n```", "unmarked-command")]
    [InlineData("```bash skip=\"\"\nls\n```", "unmarked-command")]
    [InlineData("```bash skip=\" \"\nls\n```", "unmarked-command")]
    [InlineData("```bash running\nls\n```", "unmarked-command")]
    [InlineData("```console\nls\n```", "fence-language")]
    [InlineData("```sh run\nls\n```", "fence-language")]
    [InlineData("```\nls\n```", "fence-language")]
    [InlineData("```text\n$ ls\n```", "fence-language")]
    public void A_command_without_a_marker_is_found(string text, string rule) =>
        Assert.Equal([rule], ProseMarkdown.Parse("docs/a.md", text).Fences.SelectMany(fence => Find("docs/a.md", fence)).Select(hit => hit.Rule));

    [Theory]
    [InlineData("docs/a.md", "```bash run\nls\n```")]
    [InlineData("docs/a.md", "1. One\n\n   ```bash run\n   ls\n   ```")]
    [InlineData("docs/a.md", "```bash skip=\"needs root\"\nls\n```")]
    [InlineData("docs/a.md", "```text\nTotal $ 5\n```")]
    [InlineData("docs/tutorial/getting-started.md", "```bash\nls\n```")]
    public void A_command_with_a_marker_is_not_found(string file, string text)
    {
        var fence = Assert.Single(ProseMarkdown.Parse(file, text).Fences);
        Assert.Empty(Find(file, fence));
    }

    [Theory]
    [InlineData("json", "{\"a\": 1,}", "{\"a\": 1}")]
    [InlineData("yaml", "a: [1", "a: [1]\n---\nb: ${{ secrets.TOKEN }}")]
    [InlineData("ini", "[a]\nb c", "# comment\n[a]\nb = c\n  d")]
    public void A_block_that_cannot_be_parsed_is_found(string language, string bad, string good)
    {
        Assert.Equal(["fence-syntax"], Unparsed("docs/a.md", new ProseFence(language, "", 1, bad)).Select(hit => hit.Rule));
        Assert.Empty(Unparsed("docs/a.md", new ProseFence(language, "", 1, good)));
    }

    private static IEnumerable<ProseHit> Find(string file, ProseFence fence)
    {
        if (Consoles.Contains(fence.Language, StringComparer.Ordinal))
            yield return new ProseHit("fence-language", file, fence.Line, $"'{fence.Language}': use bash with a marker");
        else if (fence.Language.Length == 0 && !file.StartsWith("docs/formats/", StringComparison.Ordinal))
            yield return new ProseHit("fence-language", file, fence.Line, "name the language: bash for commands, text for output");
        else if (fence.Language == "text" && Prompt().IsMatch(fence.Content))
            yield return new ProseHit("fence-language", file, fence.Line, "commands after a prompt: use bash with a marker");
        else if (fence.Language == "bash" && !Marker().IsMatch(fence.Marker) && !(fence.Marker.Length == 0 && ExecutedAsTutorial.Contains(file, StringComparer.Ordinal)))
            yield return new ProseHit("unmarked-command", file, fence.Line, "mark it: ```bash run, or ```bash skip=\"reason\"");
    }

    private static IEnumerable<ProseHit> Unparsed(string file, ProseFence fence)
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
