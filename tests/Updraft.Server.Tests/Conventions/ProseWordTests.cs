namespace Updraft.Server.Tests.Conventions;

/// <summary>Words that texts avoid.</summary>
public sealed class ProseWordTests
{
    public static TheoryData<string> Rules => [.. ProseRules.All.Select(rule => rule.Id)];

    [Fact]
    public void Texts_avoid_the_banned_words() => ProseAllowance.Hold([.. Rules.Select(rule => rule.Data)],
        ProseTree.Texts.SelectMany(text => ProseRules.All.SelectMany(rule => rule.Find(text))));

    [Theory, MemberData(nameof(Rules))]
    public void A_rule_finds_its_bad_example_only(string id)
    {
        var rule = ProseRules.All.Single(rule => rule.Id == id);
        Assert.NotEmpty(rule.Find(new ProseText("sample", ProseKinds.Document, rule.Bad)));
        Assert.Empty(rule.Find(new ProseText("sample", ProseKinds.Document, rule.Good)));
    }

    [Fact]
    public void A_hit_names_file_line_word_and_suggestion()
    {
        var page = ProseMarkdown.Parse("docs/page.md", "# Title\n\nThe agent runs\nbeside Airflow.\n");
        var hit = Assert.Single(page.Units.SelectMany(text => ProseRules.All.SelectMany(rule => rule.Find(text))));
        Assert.Equal("docs/page.md:4 beside 'beside': next to [The agent runs beside Airflow.]", hit.ToString());
    }
}
