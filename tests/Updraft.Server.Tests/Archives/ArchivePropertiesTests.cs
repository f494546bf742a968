using CsCheck;
using Updraft.Server.Api;

namespace Updraft.Server.Tests.Archives;

public sealed class ArchivePropertiesTests
{
    private static readonly Gen<byte[]> Archives =
        from files in Gen.Select(Gen.String[Gen.Char["abcdeXYZ/._-é"], 1, 30], Gen.Byte.Array[0, 1500]).List[0, 6]
        from format in Gen.Int[0, 2]
        from compression in Gen.Int[0, 2]
        select Pack(files, format, compression);

    [Fact]
    public Task Any_beginning_of_an_archive_is_refused() =>
        Gen.Select(Archives, Gen.Double[0, 1]).SampleAsync(async (archive, cut) =>
            Assert.Equal(400, (await VerdictAsync(archive[..(int)(cut * (archive.Length - 1))])).Refusal?.StatusCode), iter: 2000);

    [Fact]
    public Task Any_flipped_byte_gives_a_tree_or_a_400() =>
        Gen.Select(Archives, Gen.Double[0, 1], Gen.Byte[1, 255]).SampleAsync(async (archive, at, mask) =>
        {
            archive = [.. archive];
            archive[(int)(at * (archive.Length - 1))] ^= mask;
            var (manifest, refusal) = await VerdictAsync(archive);
            Assert.True(manifest is not null || refusal!.StatusCode == 400);
        }, iter: 3000);

    [Fact]
    public Task Any_archive_gives_a_tree_or_a_400() =>
        Archives.SampleAsync(async archive =>
        {
            var (manifest, refusal) = await VerdictAsync(archive);
            Assert.True(manifest is not null || refusal!.StatusCode == 400);
        }, iter: 1000);

    [Fact]
    public Task Any_bytes_are_a_400() =>
        Gen.Byte.Array[0, 3000].SampleAsync(async bytes => Assert.Equal(400, (await VerdictAsync(bytes)).Refusal?.StatusCode), iter: 500);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Every_single_beginning_of_one_archive_is_refused(int compression)
    {
        var archive = Pack([("a/b.py", new byte[700]), ("c", [1, 2, 3])], 0, compression);

        Assert.NotNull((await VerdictAsync(archive)).Manifest);
        for (var length = 0; length < archive.Length; length++)
            Assert.Equal(400, (await VerdictAsync(archive[..length])).Refusal?.StatusCode);
    }

    /// <summary>The tree of the archive, or its refusal. Any other exception is the failure that these tests look for.</summary>
    private static async Task<(Updraft.Protocol.Manifest? Manifest, ApiException? Refusal)> VerdictAsync(byte[] archive)
    {
        try
        {
            return (await ArchiveReading.ReadAsync(archive), null);
        }
        catch (ApiException refusal)
        {
            return (null, refusal);
        }
    }

    private static byte[] Pack(List<(string Name, byte[] Content)> files, int format, int compression)
    {
        var tar = new TarBuilder();
        foreach (var (name, content) in files)
        {
            _ = format switch
            {
                0 => tar.File(TarBuilder.Text(name), content),
                1 => tar.Pax(("path", name), ("mtime", "1700000000.5")).File(TarBuilder.Text("short"), content),
                _ => tar.LongName(name).File(TarBuilder.Text("short"), content, format: TarFormat.Gnu),
            };
        }
        return compression switch { 0 => tar.ToArray(), 1 => TarBuilder.Gzip(tar.ToArray()), _ => TarBuilder.Zstd(tar.ToArray()) };
    }
}
