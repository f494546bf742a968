namespace Updraft.Server.Tests.Conventions;

/// <summary>The list of allowed violations shrinks and never grows.</summary>
public sealed class ProseAllowanceTests
{
    private static readonly string[] Rules = ["beside"];
    private static readonly ProseAllowance Two = ProseAllowance.Parse("# rules: beside\nbeside a.cs 2\n");

    [Fact]
    public void The_exact_number_is_allowed() => Assert.Empty(Two.Compare(Rules, [Hit("a.cs", 1), Hit("a.cs", 2)]));

    [Fact]
    public void One_more_is_named_with_its_line()
    {
        Assert.Contains("a.cs:3 beside found", Two.Compare(Rules, [Hit("a.cs", 1), Hit("a.cs", 2), Hit("a.cs", 3)]));
        Assert.Equal(["b.cs:1 beside found"], Two.Compare(Rules, [Hit("a.cs", 1), Hit("a.cs", 2), Hit("b.cs", 1)]));
    }

    [Fact]
    public void One_less_must_shrink_the_list()
    {
        Assert.Contains("a.cs has 1 violations of beside, and 2 are allowed", Assert.Single(Two.Compare(Rules, [Hit("a.cs", 1)])), StringComparison.Ordinal);
        Assert.Empty(Two.Compare(["folder"], []));
    }

    [Fact]
    public void An_update_writes_only_smaller_numbers()
    {
        Assert.Equal(1, Two.Shrink(Rules, [Hit("a.cs", 1)], _ => true).Counts[("a.cs", "beside")]);
        var more = Two.Shrink(Rules, [Hit("a.cs", 1), Hit("a.cs", 2), Hit("a.cs", 3), Hit("b.cs", 1)], _ => true);
        Assert.Equal(2, Assert.Single(more.Counts).Value);
    }

    [Fact]
    public void A_moved_file_brings_its_number_along_and_no_more()
    {
        var moved = Two.Shrink(Rules, [Hit("b.cs", 1), Hit("b.cs", 2), Hit("b.cs", 3)], file => file != "a.cs");
        Assert.Equal(2, Assert.Single(moved.Counts, entry => entry.Key.File == "b.cs").Value);
    }

    [Fact]
    public void A_new_rule_begins_with_the_violations_that_exist_outside_of_pages()
    {
        var begun = ProseAllowance.Parse("").Shrink(Rules, [Hit("a.cs", 1), Hit("docs/a.md", 1)], _ => true);
        Assert.Equal(("a.cs", "beside"), Assert.Single(begun.Counts).Key);
        Assert.Equal(begun.ToString(), ProseAllowance.Parse(begun.ToString()).ToString());
    }

    private static ProseHit Hit(string file, int line) => new("beside", file, line, "found");
}
