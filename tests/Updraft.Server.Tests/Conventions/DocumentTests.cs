using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

public sealed partial class DocumentTests
{
    [Fact]
    public void Every_relative_link_in_a_document_leads_to_a_file()
    {
        var broken = (from document in Documents()
                      from Match link in Link().Matches(File.ReadAllText(document))
                      let target = link.Groups["target"].Value.Split('#')[0]
                      where target.Length > 0 && !target.Contains("://", StringComparison.Ordinal)
                      where !Path.Exists(Path.Join(Path.GetDirectoryName(document), target))
                      select $"{SourceTree.Relative(document)}: {target}").ToList();
        Assert.True(broken.Count == 0, "These links lead nowhere:\n" + string.Join('\n', broken));
    }

    [Fact]
    public void Every_source_file_that_the_architecture_names_exists()
    {
        var named = SourceFile().Matches(SourceTree.Read("docs/contributing/architecture.md")).Select(match => match.Groups["path"].Value).Distinct().ToList();
        Assert.True(named.Count >= 20, $"docs/contributing/architecture.md names {named.Count} source files; it is to follow a deploy file by file.");
        var files = SourceTree.CSharpFiles("src").Select(SourceTree.Relative).ToList();
        var missing = named.Where(path => !files.Any(file => file == path || file.EndsWith("/" + path, StringComparison.Ordinal))).ToList();
        Assert.True(missing.Count == 0, "docs/contributing/architecture.md names files that are gone; say where the step happens now:\n" + string.Join('\n', missing));
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

    private static IEnumerable<string> Documents() =>
        Directory.EnumerateFiles(SourceTree.Root, "*.md").Concat(((string[])["docs", "examples"])
            .SelectMany(folder => Directory.EnumerateFiles(Path.Join(SourceTree.Root, folder), "*.md", SearchOption.AllDirectories)));

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"`(?<path>[\w./]+\.cs)`")]
    private static partial Regex SourceFile();
}
