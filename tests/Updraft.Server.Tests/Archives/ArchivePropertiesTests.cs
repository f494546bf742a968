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
    public Task Truncated_archive_is_rejected_with_400() =>
        Gen.Select(Archives, Gen.Double[0, 1]).SampleAsync(async (archive, cut) =>
            Assert.Equal(400, (await ReadOrRejectAsync(archive[..(int)(cut * (archive.Length - 1))])).Error?.StatusCode), iter: 2000);

    [Fact]
    public Task Archive_with_a_changed_byte_is_read_or_rejected_with_400() =>
        Gen.Select(Archives, Gen.Double[0, 1], Gen.Byte[1, 255]).SampleAsync(async (archive, at, mask) =>
        {
            archive = [.. archive];
            archive[(int)(at * (archive.Length - 1))] ^= mask;
            var (manifest, error) = await ReadOrRejectAsync(archive);
            Assert.True(manifest is not null || error!.StatusCode == 400);
        }, iter: 3000);

    [Fact]
    public Task Random_archive_is_read_or_rejected_with_400() =>
        Archives.SampleAsync(async archive =>
        {
            var (manifest, error) = await ReadOrRejectAsync(archive);
            Assert.True(manifest is not null || error!.StatusCode == 400);
        }, iter: 1000);

    [Fact]
    public Task Random_bytes_are_rejected_with_400() =>
        Gen.Byte.Array[0, 3000].SampleAsync(async bytes => Assert.Equal(400, (await ReadOrRejectAsync(bytes)).Error?.StatusCode),
            iter: 500);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Archive_truncated_at_any_byte_is_rejected_with_400(int compression)
    {
        var archive = Pack([("a/b.py", new byte[700]), ("c", [1, 2, 3])], 0, compression);

        Assert.NotNull((await ReadOrRejectAsync(archive)).Manifest);
        for (var length = 0; length < archive.Length; length++)
            Assert.Equal(400, (await ReadOrRejectAsync(archive[..length])).Error?.StatusCode);
    }

    /// <summary>The manifest of the archive, or its error. Any other exception fails the test.</summary>
    private static async Task<(Updraft.Protocol.Manifest? Manifest, ApiException? Error)> ReadOrRejectAsync(byte[] archive)
    {
        try
        {
            return (await ArchiveReading.ReadAsync(archive), null);
        }
        catch (ApiException error)
        {
            return (null, error);
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
