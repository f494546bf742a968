using Microsoft.AspNetCore.Http;
using Updraft.Server.Api;

namespace Updraft.Server.Tests.Archives;

/// <summary>Names that all tar programs unpack, in unusual forms. Names that lead out of the archive stay rejected.</summary>
public sealed class HarmlessNameTests
{
    public static TheoryData<string> Roots => [".", "./", "/", "//", "", "./.", "././", ".//", "/."];

    [Theory]
    [MemberData(nameof(Roots))]
    public async Task Root_directory_of_any_name_is_accepted(string root) =>
        Assert.Equal("a", await ReadAsync(new TarBuilder().Folder(root).File("a")));

    [Theory]
    [InlineData("dags/./a.py")]
    [InlineData(".//dags/a.py")]
    [InlineData("././dags/a.py")]
    [InlineData("dags//a.py")]
    [InlineData("./dags/././/a.py")]
    public async Task Name_with_empty_components_or_dots_is_simplified(string name)
    {
        const string Expected = "dags dags/a.py";
        Assert.Equal(Expected, await ReadAsync(new TarBuilder().File(name)));
        Assert.Equal(Expected, await ReadAsync(new TarBuilder().Pax(("path", name)).File("short")));
        Assert.Equal(Expected, await ReadAsync(new TarBuilder().LongName(name).File("short", format: TarFormat.Gnu)));
        Assert.Equal(Expected, await ReadAsync(new TarBuilder().Folder("dags").Folder("./dags/.").Folder("dags//").File(name)));
    }

    [Theory]
    [InlineData("a/")]
    [InlineData("a//")]
    [InlineData("a/.")]
    [InlineData("./a/./")]
    public async Task Directory_with_slashes_or_a_dot_at_its_end_is_simplified(string name) =>
        Assert.Equal("a", await ReadAsync(new TarBuilder().Folder(name)));

    [Theory]
    [InlineData('5')]
    [InlineData('\0')]
    public async Task Slash_at_the_end_makes_an_old_entry_a_directory(char type)
    {
        foreach (var format in new[] { TarFormat.Ustar, TarFormat.Gnu, TarFormat.Old })
        {
            var manifest = await ArchiveReading.ReadAsync(new TarBuilder().Header(TarBuilder.Text("d/"), type, format: format).ToArray());
            Assert.True(manifest.Find("d")!.Value.IsDirectory);
        }
    }

    [Fact]
    public async Task Targets_of_links_are_simplified()
    {
        var tree = await ReadAsync(new TarBuilder().File("d/f").HardLink("hard", ".//d/./f").SymbolicLink("soft", ".//d/.//f")
            .SymbolicLink("directory/", "./d//").LongLink("./d//f").HardLink("long", "x"));

        Assert.Equal("d d/f directory directory/f hard long soft", tree);
    }

    [Theory]
    [InlineData("a//b", "a/b")]
    [InlineData("./a/b", "a/./b")]
    public async Task Names_that_are_equal_after_simplification_are_rejected_with_400(string first, string second)
    {
        var rejection = await RejectAsync(new TarBuilder().File(first).File(second));

        Assert.Contains("occurs twice", rejection.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("..", "'..'")]
    [InlineData("./..", "'..'")]
    [InlineData("a/.//../../b", "'..'")]
    [InlineData("/a", "absolute")]
    [InlineData("//a", "absolute")]
    [InlineData("/./a", "absolute")]
    public async Task Name_that_leads_out_is_rejected_for_that_reason_with_400(string name, string reason)
    {
        Assert.Contains(reason, (await RejectAsync(new TarBuilder().File(name))).Message, StringComparison.Ordinal);
        Assert.Contains(reason, (await RejectAsync(new TarBuilder().Folder(name))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a\ufffeb.py")]
    [InlineData("a\uffffb.py")]
    [InlineData("\ufdd0.py")]
    public async Task Name_with_a_noncharacter_is_accepted(string name) =>
        Assert.Equal(name, await ReadAsync(new TarBuilder().File(name)));

    [Fact]
    public async Task Names_that_differ_in_case_or_accents_are_kept()
    {
        var tree = await ReadAsync(new TarBuilder().File("Orders.sql").File("orders.sql").File("Team/a").File("team/a").File("NULL")
            .File("null").File("\u00e9.py").File("e\u0301.py").File("Σ").File("σ"));

        Assert.Equal(12, tree.Split(' ').Length);
    }

    private static async Task<string> ReadAsync(TarBuilder tar) =>
        string.Join(' ', (await ArchiveReading.ReadAsync(tar.ToArray())).Entries.Select(entry => entry.Path));

    private static async Task<ApiException> RejectAsync(TarBuilder tar)
    {
        var rejection = await Assert.ThrowsAsync<ApiException>(() => ArchiveReading.ReadAsync(tar.ToArray()));
        Assert.Equal(StatusCodes.Status400BadRequest, rejection.StatusCode);
        return rejection;
    }
}
