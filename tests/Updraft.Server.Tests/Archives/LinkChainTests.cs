using Updraft.Server.Api;
using Updraft.Server.Archives;

namespace Updraft.Server.Tests.Archives;

/// <summary>Links that lead to or through other links.</summary>
public sealed class LinkChainTests
{
    [Fact]
    public async Task Link_to_a_link_becomes_a_copy_of_the_final_target()
    {
        var manifest = await ArchiveReading.ReadAsync(new TarBuilder().SymbolicLink("third", "second").SymbolicLink("second", "d/first")
            .SymbolicLink("d/first", "../f").File("f", "text").HardLink("hard", "second").ToArray());

        foreach (var link in new[] { "third", "second", "d/first", "hard" })
            Assert.Equal(manifest.Find("f")!.Value.Content, manifest.Find(link)!.Value.Content);
    }

    [Fact]
    public async Task Link_through_a_link_to_a_directory_continues_in_the_directory()
    {
        var manifest = await ArchiveReading.ReadAsync(new TarBuilder().File("d/e/f", "inner").File("d/g", "outer")
            .SymbolicLink("cur", "d/e").SymbolicLink("file", "cur/f").SymbolicLink("up", "cur/../g").SymbolicLink("directory", "cur").ToArray());

        Assert.Equal(manifest.Find("d/e/f")!.Value.Content, manifest.Find("file")!.Value.Content);
        Assert.Equal(manifest.Find("d/g")!.Value.Content, manifest.Find("up")!.Value.Content);
        Assert.NotNull(manifest.Find("directory/f"));
    }

    [Theory]
    [InlineData(40, true)]
    [InlineData(41, false)]
    [InlineData(1000, false)]
    public async Task Chain_of_at_most_40_links_is_accepted_in_any_order(int links, bool isAccepted)
    {
        foreach (var order in new[] { Enumerable.Range(1, links), Enumerable.Range(1, links).Reverse() })
        {
            var tar = new TarBuilder().File("l0");
            foreach (var number in order)
                tar.SymbolicLink($"l{number}", $"l{number - 1}");
            var failure = await Record.ExceptionAsync(() => ArchiveReading.ReadAsync(tar.ToArray()));

            Assert.Equal(isAccepted, failure is null);
            Assert.True(isAccepted || failure is ApiException { StatusCode: 400 });
        }
    }

    [Fact]
    public async Task Many_links_through_long_chains_need_little_work()
    {
        // Without the memory of resolved links, this archive needs a billion steps.
        var tar = new TarBuilder().File("d/f");
        tar.SymbolicLink("l1", "d");
        for (var number = 2; number <= 39; number++)
            tar.SymbolicLink($"l{number}", $"l{number - 1}");
        for (var number = 0; number < 20_000; number++)
            tar.SymbolicLink($"x{number}", "l39/f");

        Assert.Equal(20_000 + 41 + 39, (await ArchiveReading.ReadAsync(tar.ToArray())).Entries.Count);
    }

    [Theory]
    [InlineData("a", "b", "b", "a")]
    [InlineData("a/x", "../b", "b", "a")]
    [InlineData("a/x", "../b/x", "b", "a")]
    public async Task Links_in_a_circle_are_rejected_with_400(string first, string firstTarget, string second, string secondTarget)
    {
        var tar = new TarBuilder().SymbolicLink(first, firstTarget).SymbolicLink(second, secondTarget).ToArray();

        Assert.Equal(400, (await Assert.ThrowsAsync<ApiException>(() => ArchiveReading.ReadAsync(tar))).StatusCode);
    }

    [Theory]
    [InlineData("__pycache__", "which is not in the archive")]
    [InlineData("__pycache__/b.pyc", "which is not in the archive")]
    [InlineData("d/__pycache__", "which is bytecode that Updraft leaves out")]
    [InlineData("d/__pycache__/a.pyc", "which is bytecode that Updraft leaves out")]
    [InlineData("d/__pycache__/b.pyc", "which is not in the archive")]
    [InlineData("d/__pycache__/../f", "which is bytecode that Updraft leaves out")]
    [InlineData("d/__pycache__/../g", "which is not in the archive")]
    public async Task Reason_of_a_rejected_link_is_true(string target, string reason)
    {
        var tar = new TarBuilder().File("d/__pycache__/a.pyc").File("d/f").SymbolicLink("l", target);
        var rejection = await Assert.ThrowsAsync<ApiException>(() => ArchiveReading.ReadAsync(tar.ToArray()));
        Assert.StartsWith($"The entry 'l' is a link to '{target}', {reason}.", rejection.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("soft")]
    [InlineData("hard")]
    public async Task Link_to_bytecode_is_rejected_with_the_setting(string kind)
    {
        var tar = new TarBuilder().File("__pycache__/a.pyc");
        tar = kind == "soft" ? tar.SymbolicLink("l", "__pycache__/a.pyc") : tar.HardLink("l", "__pycache__/a.pyc");
        var rejection = await Assert.ThrowsAsync<ApiException>(() => ArchiveReading.ReadAsync(tar.ToArray()));

        Assert.Contains("bytecode", rejection.Message, StringComparison.Ordinal);
        Assert.Contains("Archives:KeepBytecode", rejection.Message, StringComparison.Ordinal);
        Assert.NotNull((await ArchiveReading.ReadAsync(tar.ToArray(), limits: new ArchiveOptions { KeepBytecode = true })).Find("l"));
    }

    [Fact]
    public async Task Bytecode_is_left_out_and_other_files_of_its_directory_stay()
    {
        var tar = new TarBuilder().Folder("d/__pycache__/").File("d/__pycache__/a.cpython-312.pyc", new string('x', 3000))
            .File("d/__pycache__/a.cpython-312.pyc.140345").HardLink("d/__pycache__/b.pyc", "d/__pycache__/a.cpython-312.pyc")
            .Folder("__pycache__").File("e/__pycache__/notes.txt").File("d/a.py").File("d/legacy.pyc").ToArray();

        Assert.Equal("d d/a.py d/legacy.pyc e e/__pycache__ e/__pycache__/notes.txt",
            string.Join(' ', (await ArchiveReading.ReadAsync(tar)).Entries.Select(entry => entry.Path)));
        var all = await ArchiveReading.ReadAsync(tar, limits: new ArchiveOptions { KeepBytecode = true });
        Assert.NotNull(all.Find("d/__pycache__/b.pyc"));
    }
}
