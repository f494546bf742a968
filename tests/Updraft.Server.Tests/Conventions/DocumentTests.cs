using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

public sealed partial class DocumentTests
{
    private const string Architecture = "docs/contributing/architecture.md";

    [Fact]
    public void Every_source_file_that_the_architecture_names_exists()
    {
        var named = SourceFile().Matches(SourceTree.Read(Architecture)).Select(match => match.Groups["path"].Value).Distinct().ToList();
        Assert.True(named.Count >= 20, $"{Architecture} names {named.Count} source files; it must follow a deploy from file to file.");
        var files = SourceTree.CSharpFiles("src").Select(SourceTree.Relative).ToList();
        var missing = named.Where(path => !files.Any(file => file == path || file.EndsWith("/" + path, StringComparison.Ordinal))).ToList();
        Assert.True(missing.Count == 0, $"{Architecture} names files that do not exist. Name the file of the step:\n" + string.Join('\n', missing));
    }

    [Fact]
    public void Every_decision_has_its_number_context_decision_and_consequences()
    {
        var decisions = Directory.GetFiles(Path.Join(SourceTree.Root, "docs/decisions"), "*.md").Order(StringComparer.Ordinal).ToList();
        Assert.NotEmpty(decisions);
        for (var i = 0; i < decisions.Count; i++)
        {
            var (name, text) = (Path.GetFileName(decisions[i]), File.ReadAllText(decisions[i]));
            Assert.True(name.StartsWith($"{i + 1:0000}-", StringComparison.Ordinal), $"{name} should have number {i + 1}: decisions are numbered without gaps.");
            foreach (var heading in (string[])[$"# {i + 1}. ", "\n## Context\n", "\n## Decision\n", "\n## Consequences\n"])
                Assert.True(text.Contains(heading, StringComparison.Ordinal), $"{name} lacks '{heading.Trim()}'.");
        }
    }

    [GeneratedRegex(@"`(?<path>[\w./]+\.cs)`")]
    private static partial Regex SourceFile();
}
