namespace Updraft.Server.Tests.Conventions;

/// <summary>Commands in pages are executed by a test or say why not; configuration in pages can be parsed.</summary>
public sealed class ProseFenceTests
{
    [Fact]
    public void Commands_are_executed_or_say_why_not() =>
        ProseHit.AssertNone(from page in ProseTree.Documents from fence in page.Value.Fences from hit in ProseFences.Find(page.Key, fence) select hit);

    [Fact]
    public void Blocks_of_configuration_can_be_parsed() =>
        ProseHit.AssertNone(from page in ProseTree.Documents from fence in page.Value.Fences from hit in ProseFences.Unparsed(page.Key, fence) select hit);

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
        Assert.Equal([rule], ProseMarkdown.Parse("docs/a.md", text).Fences.SelectMany(fence => ProseFences.Find("docs/a.md", fence)).Select(hit => hit.Rule));

    [Theory]
    [InlineData("docs/a.md", "```bash run\nls\n```")]
    [InlineData("docs/a.md", "1. One\n\n   ```bash run\n   ls\n   ```")]
    [InlineData("docs/a.md", "```bash skip=\"needs root\"\nls\n```")]
    [InlineData("docs/a.md", "```text\nTotal $ 5\n```")]
    [InlineData("docs/tutorial/getting-started.md", "```bash\nls\n```")]
    public void A_command_with_a_marker_is_not_found(string file, string text)
    {
        var fence = Assert.Single(ProseMarkdown.Parse(file, text).Fences);
        Assert.Empty(ProseFences.Find(file, fence));
    }

    [Theory]
    [InlineData("json", "{\"a\": 1,}", "{\"a\": 1}")]
    [InlineData("yaml", "a: [1", "a: [1]\n---\nb: ${{ secrets.TOKEN }}")]
    [InlineData("ini", "[a]\nb c", "# comment\n[a]\nb = c\n  d")]
    public void A_block_that_cannot_be_parsed_is_found(string language, string bad, string good)
    {
        Assert.Equal(["fence-syntax"], ProseFences.Unparsed("docs/a.md", new ProseFence(language, "", 1, bad)).Select(hit => hit.Rule));
        Assert.Empty(ProseFences.Unparsed("docs/a.md", new ProseFence(language, "", 1, good)));
    }
}
