using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Names of tests are short sentences without codes.</summary>
public sealed partial class ProseTestNameTests
{
    private const int MostWords = 12;

    private static readonly string[] Rules = ["test-name-length", "test-name-code", "test-name-twice"];

    [Fact]
    public void Test_names_are_short_sentences_without_codes() =>
        ProseAllowance.Hold(Rules, ProseTree.Files("tests", ".cs").SelectMany(file => Find(file, ProseTree.Read(file))));

    [Theory]
    [InlineData("Trap_08_has_a_test", "test-name-code")]
    [InlineData("X7_is_a_404", "test-name-code")]
    [InlineData("Reads_of_I12_are_monotonic", "test-name-code")]
    [InlineData("One_2_3_4_5_6_7_8_9_10_11_12_13", "test-name-length")]
    public void A_long_name_or_a_code_is_found(string name, string rule) => Assert.Equal([rule], Find("sample.cs", Method(name)).Select(hit => hit.Rule));

    [Theory]
    [InlineData("Stale_read_is_rejected")]
    [InlineData("Upload_to_S3_is_signed")]
    [InlineData("One_2_3_4_5_6_7_8_9_10_11_12")]
    public void A_short_name_is_not_found(string name) => Assert.Empty(Find("sample.cs", Method(name)));

    [Fact]
    public void A_name_that_a_class_has_twice_is_found()
    {
        Assert.Equal(["test-name-twice"], Find("sample.cs", "class A\n{\n" + Method("Same_name") + Method("Same_name") + "}").Select(hit => hit.Rule));
        Assert.Empty(Find("sample.cs", "class A\n{\n" + Method("Same_name") + "}\nclass B\n{\n" + Method("Same_name") + "}"));
    }

    private static string Method(string name) => $"    public async Task {name}()\n    {{\n    }}\n";

    private static IEnumerable<ProseHit> Find(string file, string text)
    {
        var classes = Class().Matches(text).Select(match => text.AsSpan(0, match.Index).Count('\n') + 1).ToList();
        var seen = new HashSet<(int Class, string Name)>();
        foreach (var name in ProseTestName.Read(file, text))
        {
            if (ProseSentences.CountWords(name.Text) is var words and > MostWords)
                yield return new ProseHit("test-name-length", file, name.Line, $"{words} words, at most {MostWords}: '{name.Text}'");
            if (Code().Match(name.Text) is { Success: true } code)
                yield return new ProseHit("test-name-code", file, name.Line, $"'{code.Value}': put the number into [Trait(\"catalog\", …)]");
            if (!seen.Add((classes.FindLast(line => line <= name.Line), name.Text)))
                yield return new ProseHit("test-name-twice", file, name.Line, $"'{name.Text}': the class has this name twice");
        }
    }

    [GeneratedRegex(@"\bTrap \d+\b|\b(?!S3|V\d|X509)[A-Z]\d+(?= )")]
    private static partial Regex Code();

    [GeneratedRegex(@"^[ \t]*(?:public |internal |private |sealed |abstract |static |partial )*(?:class|record) \w+", RegexOptions.Multiline)]
    private static partial Regex Class();
}
