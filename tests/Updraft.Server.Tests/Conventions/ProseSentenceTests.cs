namespace Updraft.Server.Tests.Conventions;

/// <summary>The length of sentences.</summary>
public sealed class ProseSentenceTests
{
    private static readonly string Words24 = string.Join(' ', Enumerable.Repeat("word", 24));

    [Fact]
    public void Sentences_are_short() => ProseAllowance.Hold(["long-sentence", "semicolons"], ProseTree.Texts.SelectMany(ProseSentences.Find));

    [Fact]
    public void A_sentence_of_26_words_is_found()
    {
        Assert.Equal(["long-sentence"], Rules($"Two words {Words24}."));
        Assert.Empty(Rules($"One {Words24}. One {Words24}!"));
    }

    [Fact]
    public void A_second_semicolon_is_found()
    {
        Assert.Equal(["semicolons"], Rules("One; two; three."));
        Assert.Empty(Rules("One; two. Three; four, e.g. five."));
    }

    [Fact]
    public void A_table_cell_and_a_list_item_are_sentences_of_their_own() =>
        Assert.Empty(Rules($"| {Words24} | {Words24} |\n| --- | --- |\n\n- {Words24}\n- {Words24}\n\nInline `{Words24}` code is one word."));

    [Fact]
    public void Lines_of_a_string_are_sentences_of_their_own()
    {
        var text = ProseCSharp.Parse("sample.cs", $$"""var help = "One {{Words24}}\n" + "two {{Words24}}";""").Strings;
        Assert.Empty(Assert.Single(text).Text.Split('\v') is [_, _] ? text.SelectMany(ProseSentences.Find) : []);
        Assert.NotEmpty(ProseCSharp.Parse("sample.cs", $$"""var help = "One {{Words24}} " + $"two {Words24}";""").Strings.SelectMany(ProseSentences.Find));
    }

    private static IEnumerable<string> Rules(string text) => ProseMarkdown.Parse("page.md", text).Units.SelectMany(ProseSentences.Find).Select(hit => hit.Rule);
}
