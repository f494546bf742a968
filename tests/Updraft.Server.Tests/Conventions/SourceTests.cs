using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

public sealed partial class SourceTests
{
    private const int MaxLines = 500;

    /// <summary>Interfaces with fewer than two implementations, and why each is right as it is.</summary>
    private static readonly Dictionary<string, string> Allowed = new(StringComparer.Ordinal);

    [Fact]
    public void No_file_has_more_than_500_lines() => AssertNone(
        from file in SourceTree.CSharpFiles()
        let lines = File.ReadLines(file).Count()
        where lines > MaxLines
        select $"{SourceTree.Relative(file)} has {lines} lines",
        "A file of this length holds more than one subject. Give each its own file.");

    [Fact]
    public void No_type_has_a_name_that_says_nothing() => AssertNone(
        from file in SourceTree.CSharpFiles()
        from Match declaration in TypeDeclaration().Matches(WithoutComments(File.ReadAllText(file)))
        let name = declaration.Groups["name"].Value
        where EmptyName().IsMatch(name)
        select $"{SourceTree.Relative(file)}: {name}",
        "Such a name fits everything, so the type attracts everything. Name it for what it is or does; an operation is verb and noun.");

    [Fact]
    public void No_folder_has_a_name_that_says_nothing() => AssertNone(
        from file in SourceTree.CSharpFiles()
        from part in Path.GetDirectoryName(SourceTree.Relative(file))!.Split('/')
        where EmptyFolder().IsMatch(part)
        select SourceTree.Relative(file),
        "Such a folder becomes the drawer for everything. Put the file into the slice that it serves.");

    [Fact]
    public void Every_interface_has_two_implementations_or_a_reason()
    {
        var sources = SourceTree.CSharpFiles("src").Select(file => WithoutComments(File.ReadAllText(file))).ToList();
        var interfaces = sources.SelectMany(text => InterfaceDeclaration().Matches(text)).Select(match => match.Groups["name"].Value).Distinct().ToList();
        Assert.Contains("IBlobStore", interfaces);
        AssertNone(
            from name in interfaces
            where !Allowed.ContainsKey(name)
            let implementations = sources.Sum(text => TypeDeclaration().Matches(text).Count(type => Implements(type.Groups["bases"].Value, name)))
            where implementations < 2
            select $"{name} has {implementations}",
            "An interface with one implementation is a detour. Use the class, or write the reason into Allowed in this file.");
    }

    [Fact]
    public void The_list_of_single_implementations_names_only_interfaces_that_exist() => AssertNone(
        Allowed.Keys.Where(name => !SourceTree.CSharpFiles("src").Any(file => File.ReadAllText(file).Contains("interface " + name, StringComparison.Ordinal))),
        "Remove it from Allowed in this file: the list only shrinks by itself if somebody does.");

    private static bool Implements(string bases, string name) => Regex.IsMatch(bases, $@"(?<![\w.]){name}(?!\w)");

    private static string WithoutComments(string text) => Comment().Replace(text, "");

    private static void AssertNone(IEnumerable<string> violations, string reason)
    {
        var all = violations.Distinct().ToList();
        Assert.True(all.Count == 0, string.Join('\n', all) + "\n" + reason);
    }

    [GeneratedRegex(@"//[^\n]*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|record(?:\s+struct|\s+class)?)\s+(?<name>[A-Z]\w*)(?<bases>[^{;]*)")]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"\binterface\s+(?<name>I[A-Z]\w*)")]
    private static partial Regex InterfaceDeclaration();

    [GeneratedRegex("(Manager|Helper|Helpers|Util|Utils|Utility|Utilities|Common|Base|Impl|Dto|Info|Data|Service)$")]
    private static partial Regex EmptyName();

    [GeneratedRegex("^(Managers?|Helpers?|Utils?|Utilities|Common|Base|Impl|Dtos?|Infos?|Data|Services?|Interfaces|Misc)$")]
    private static partial Regex EmptyFolder();
}
