using Microsoft.AspNetCore.Http;
using Updraft.Server.Api;

namespace Updraft.Server.Tests.Archives;

/// <summary>Links whose target leaves the root of the archive and then names an entry of the archive.</summary>
public sealed class RootLinkTests
{
    [Theory]
    [InlineData("l", "../f")]
    [InlineData("l", "./../f")]
    [InlineData("l", ".././f")]
    [InlineData("l", "../d")]
    [InlineData("l", "../d/g")]
    [InlineData("l", "d/../../f")]
    [InlineData("l", "../../f")]
    [InlineData("d/l", "../../f")]
    [InlineData("d/l", "../../d/g")]
    [InlineData("d/e/l", "../../../f")]
    public async Task Link_that_leaves_the_root_is_rejected_with_400(string link, string target)
    {
        var rejection = await Assert.ThrowsAsync<ApiException>(() => ArchiveReading.ReadAsync(Archive(link, target)));

        Assert.Equal(StatusCodes.Status400BadRequest, rejection.StatusCode);
        Assert.Contains($"'{link}'", rejection.Message, StringComparison.Ordinal);
        Assert.Contains("out of the archive", rejection.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("d/l", "../f")]
    [InlineData("d/e/l", "../../f")]
    [InlineData("l", "d/../f")]
    [InlineData("l", "d/e/../../f")]
    public async Task Link_that_only_reaches_the_root_becomes_a_copy(string link, string target)
    {
        var manifest = await ArchiveReading.ReadAsync(Archive(link, target));

        Assert.Equal(manifest.Find("f")!.Value.Content, manifest.Find(link)!.Value.Content);
    }

    private static byte[] Archive(string link, string target) => new TarBuilder()
        .File("f", "root").Folder("d").File("d/g", "inner").Folder("d/e").File("d/e/h").SymbolicLink(link, target).ToArray();
}
