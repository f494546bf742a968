namespace Updraft.Server.Tests.Conventions;

/// <summary>The manual speaks to its reader in plain sentences.</summary>
public sealed class ProseStatisticsTests
{
    [Fact]
    public void The_manual_keeps_the_limits_of_style()
    {
        var manual = ProseTree.Manual.ToList();
        var all = ProseStatistics.Count("README and docs", manual.Select(page => page.Value));
        var groups = manual.GroupBy(page => page.Key.Split('/') is ["docs", var directory, _, ..] ? $"docs/{directory}" : Path.GetDirectoryName(page.Key) is "docs" ? "docs" : page.Key,
            StringComparer.Ordinal).Select(group => ProseStatistics.Count(group.Key, group.Select(page => page.Value)));
        Console.WriteLine(string.Join('\n', [ProseStatistics.Header, "prose: | --- | ---: | ---: | ---: | ---: | ---: |", .. groups.Select(group => group.ToString()), all.ToString()]));

        Assert.True(all.IsWithinLimits, $"{ProseStatistics.Header}\n{all}");
    }

    [Fact]
    public void Words_are_counted_without_code()
    {
        var page = ProseMarkdown.Parse("a.md", "# You\n\nWhat you write; `what` whoever reads your text.\n\n```text\nwhatever; you\n```\n");
        var counted = ProseStatistics.Count("sample", [page]);
        Assert.Equal((9, 111, 111, 333, 111), (counted.Words, (int)counted.What, (int)counted.Whoever, (int)counted.You, (int)counted.Semicolons));
        Assert.False(counted.IsWithinLimits);
        Assert.True(ProseStatistics.Count("sample", [ProseMarkdown.Parse("a.md", "You roll back your deploy.")]).IsWithinLimits);
    }
}
