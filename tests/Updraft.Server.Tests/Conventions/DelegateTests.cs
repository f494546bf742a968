using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>The architecture page lists each delegate that one slice declares and another one registers.</summary>
public sealed partial class DelegateTests
{
    private const string Page = "docs/contributing/architecture.md";

    [Fact]
    public async Task Architecture_page_lists_every_registered_delegate()
    {
        var registered = new HashSet<string>(StringComparer.Ordinal);
        await using var app = Program.Create([], builder => registered.UnionWith(builder.Services.Select(service => service.ServiceType)
            .Where(type => type.Assembly == typeof(Program).Assembly && type.IsSubclassOf(typeof(Delegate))).Select(type => type.Name)));
        Assert.True(registered.Count > 5, $"Only {registered.Count} delegates are registered.");
        var listed = Rows().Select(row => row.Groups["delegate"].Value).ToList();
        Assert.Equal([], registered.Except(listed).Select(name => $"{Page} does not list the delegate {name}."));
        Assert.Equal([], listed.Except(registered).Select(name => $"{Page} lists the delegate {name}, which is not registered."));
    }

    [Fact]
    public void Architecture_page_names_the_file_of_every_delegate()
    {
        var wrong = from row in Rows()
                    let file = $"src/Updraft.Server/{row.Groups["file"].Value}"
                    where !File.Exists(Path.Join(SourceTree.Root, file))
                        || !Regex.IsMatch(SourceTree.Read(file), $@"\bdelegate [\w<>, ]+ {row.Groups["delegate"].Value}\(")
                    select $"{file} does not declare the delegate {row.Groups["delegate"].Value}.";
        Assert.Equal([], wrong);
    }

    private static IEnumerable<Match> Rows() => Row().Matches(SourceTree.Read(Page).Split("\n## Delegates\n")[1].Split("\n## ")[0]);

    [GeneratedRegex(@"^\| `(?<delegate>[A-Z]\w+)` \| `(?<file>[\w/]+\.cs)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
