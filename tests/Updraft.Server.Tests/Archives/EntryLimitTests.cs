using Updraft.Server.Api;
using Updraft.Server.Tests.Bundles;

namespace Updraft.Server.Tests.Archives;

/// <summary>The exact limits of an archive with links. The copies of the links count.</summary>
public sealed class EntryLimitTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Archive_with_links_may_have_exactly_MaxEntries_entries(int beyond)
    {
        // The copy of the directory adds its two files: eight entries.
        var tar = new TarBuilder().Folder("d").File("d/a").File("d/b").File("f").SymbolicLink("l", "d").SymbolicLink("m", "f");
        await using var bundles = await BundleFixture.CreateAsync(limits => limits.MaxEntries = 8 - beyond);

        await AssertAsync(bundles, tar, beyond);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Archive_with_links_may_have_exactly_MaxUnpackedBytes_bytes(int beyond)
    {
        var content = new string('x', 30_000);
        var tar = new TarBuilder().Folder("d").File("d/a", content).SymbolicLink("l", "d").SymbolicLink("m", "d/a");
        await using var bundles = await BundleFixture.CreateAsync(limits => limits.MaxUnpackedBytes = 90_000 - beyond);

        await AssertAsync(bundles, tar, beyond);
    }

    private static async Task AssertAsync(BundleFixture bundles, TarBuilder tar, int beyond)
    {
        if (beyond == 0)
            await bundles.IngestAsync(tar.ToArray());
        else
            await Assert.ThrowsAsync<ApiException>(() => bundles.IngestAsync(tar.ToArray()));
    }
}
