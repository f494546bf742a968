namespace Updraft.Server.Tests.Conventions;

/// <summary>Every page has one kind, a fixed form, working links, and a way that leads to it.</summary>
public sealed class ProseManualTests
{
    private const string Good = "# Roll back\n\n> **How-to.** For operators: you return to an earlier deploy.\n\n## Prerequisites\n\n## Steps\n\n## If it fails\n";

    [Fact]
    public void Pages_have_their_form() => ProseHit.AssertNone(ProseTree.Manual.SelectMany(page => ProseManual.Find(page.Key, page.Value)));

    [Fact]
    public void Links_lead_to_files_and_headings() => ProseHit.AssertNone(ProseLinks.Broken(ProseTree.Documents, ProseTree.Exists));

    [Fact]
    public void Code_and_scripts_name_pages_that_exist() => ProseHit.AssertNone(
        from file in ProseTree.CodeFiles()
        where !Path.GetFileName(file).StartsWith("Prose", StringComparison.Ordinal)
        from hit in ProseLinks.BrokenNames(file, ProseTree.Read(file), ProseTree.Exists)
        select hit);

    [Fact]
    public void Pages_are_reachable_from_the_index() => ProseHit.AssertNone(ProseLinks.Unreachable(ProseTree.Documents));

    [Fact]
    public void The_glossary_defines_the_terms()
    {
        var glossary = ProseTree.Exists("docs/glossary.md") ? ProseTree.Read("docs/glossary.md") : "";
        ProseHit.AssertNone(MissingTerms(glossary, Terms).Select(term => new ProseHit("glossary", "docs/glossary.md", 1, $"the term '{term}' is missing")));
    }

    [Fact]
    public void A_good_page_has_no_violation() => Assert.Empty(Rules("docs/how-to/roll-back.md", Good));

    [Theory]
    [InlineData("docs/how-to/roll-back.md", "# Roll back", "Roll back", "title")]
    [InlineData("docs/how-to/roll-back.md", "> **How-to.** For", "For", "label")]
    [InlineData("docs/reference/roll-back.md", "", "", "label")]
    [InlineData("docs/how-to/roll-back.md", "an earlier deploy.", "an earlier deploy. Two. Three.", "label")]
    [InlineData("docs/how-to/roll-back.md", "## Steps\n", "## Look\n", "how-to-headings")]
    [InlineData("docs/how-to/roll-back.md", "## Steps\n", "## Steps\n\nSee `Program.cs`.\n", "source-file")]
    public void A_page_without_its_form_is_found(string file, string good, string bad, string rule) =>
        Assert.Contains(rule, Rules(file, good.Length == 0 ? Good : Good.Replace(good, bad, StringComparison.Ordinal)));

    [Fact]
    public void A_long_page_or_line_is_found()
    {
        Assert.Equal(["page-words"], Rules("docs/how-to/a.md", Good + string.Concat(Enumerable.Repeat("Many words.\n", 601))));
        Assert.Empty(Rules("docs/how-to/a.md", Good + "```text\n" + string.Concat(Enumerable.Repeat("Many words.\n", 601)) + "```\n"));
        Assert.Equal(["line-length"], Rules("docs/how-to/a.md", Good + string.Concat(Enumerable.Repeat("Many words. ", 11))));
        Assert.Empty(Rules("docs/how-to/a.md", Good + "| " + string.Concat(Enumerable.Repeat("Many words. ", 11)) + "|"));
    }

    [Fact]
    public void A_broken_link_or_anchor_is_found()
    {
        var pages = Pages(("docs/a.md", "# A\n\n[b](b.md#two-words) [b](b.md#two-words-1) [x](../x.txt) ![p](images/p.png) [web](https://example.com/no#no)"),
            ("docs/b.md", "# B\n\n## Two words\n\n## Two `words`!\n\n[c](c.md) [a](a.md#b) [up](../../c.md)"));
        Assert.Equal(["docs/b.md:7 broken-link 'c.md'", "docs/b.md:7 broken-anchor 'a.md#b'", "docs/b.md:7 broken-link '../../c.md'"],
            ProseLinks.Broken(pages, file => pages.ContainsKey(file) || file is "x.txt" or "docs/images/p.png").Select(hit => hit.ToString().Split(": ")[0]));
    }

    [Fact]
    public void A_name_of_a_missing_page_is_found() => Assert.Equal(["a.cs:2 broken-link 'docs/b.md'"],
        ProseLinks.BrokenNames("a.cs", "// See docs/a.md,\n// docs/b.md and x/docs/c.md", file => file == "docs/a.md").Select(hit => hit.ToString().Split(": ")[0]));

    [Fact]
    public void A_page_without_a_way_to_it_is_found()
    {
        var pages = Pages(("docs/README.md", "# A\n\n[b](b.md)"), ("docs/b.md", "# B\n\n[c](sub/c.md)"), ("docs/sub/c.md", "# C"), ("docs/d.md", "# D\n\n[b](b.md)"));
        Assert.Equal(["docs/d.md"], ProseLinks.Unreachable(pages).Select(hit => hit.File));
    }

    [Fact]
    public void A_missing_term_is_found() => Assert.Equal(["trust on first use"], MissingTerms("Pack, **Trusted key**", ["pack", "trusted key", "trust on first use"]));

    private static string[] Terms => [.. File.ReadLines(Path.Join(ProseTree.Root, "tests/Updraft.Server.Tests/Conventions/prose-terms.txt")).Where(line => line is not ("" or ['#', ..]))];

    private static IEnumerable<string> MissingTerms(string glossary, IEnumerable<string> terms) => terms.Where(term => !glossary.Contains(term, StringComparison.OrdinalIgnoreCase));

    private static IEnumerable<string> Rules(string file, string text) => ProseManual.Find(file, ProseMarkdown.Parse(file, text)).Select(hit => hit.Rule);

    private static Dictionary<string, ProseMarkdown> Pages(params (string File, string Text)[] pages) =>
        pages.ToDictionary(page => page.File, page => ProseMarkdown.Parse(page.File, page.Text), StringComparer.Ordinal);
}
