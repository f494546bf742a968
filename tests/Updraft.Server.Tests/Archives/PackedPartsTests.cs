using Updraft.Server.Api;

namespace Updraft.Server.Tests.Archives;

/// <summary>Compressed archives in several parts, as <c>gzip</c> and <c>zstd</c> read them.</summary>
public sealed class PackedPartsTests
{
    private static readonly byte[] Plain =
        new TarBuilder().File("a", string.Concat(Enumerable.Range(0, 5_000))).File("b", "two").ToArray(20);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(17)]
    public async Task Archive_in_several_parts_equals_the_whole_archive(int parts)
    {
        var expected = (await ArchiveReading.ReadAsync(Plain)).Digest;
        var pieces = Plain.Chunk(Plain.Length / parts + 1).ToList();
        foreach (var pack in new Func<byte[], byte[]>[] { TarBuilder.Gzip, TarBuilder.Zstd })
        {
            byte[] packed = [.. pieces.SelectMany(pack)];
            foreach (var piece in new[] { int.MaxValue, 1, 7, 1000 })
                Assert.Equal(expected, (await ArchiveReading.ReadAsync(packed, piece)).Digest);
        }
    }

    [Fact]
    public async Task Archive_of_bgzip_is_accepted()
    {
        // Members with an extra field, and an empty member at the end.
        byte[] packed = [.. Plain.Chunk(4_000).SelectMany(Block), .. Block([])];

        Assert.Equal((await ArchiveReading.ReadAsync(Plain)).Digest, (await ArchiveReading.ReadAsync(packed)).Digest);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(10_240)]
    public async Task Zeros_after_the_compressed_data_are_ignored(int count)
    {
        foreach (var packed in new[] { TarBuilder.Gzip(Plain), TarBuilder.Zstd(Plain) })
        {
            foreach (var piece in new[] { int.MaxValue, 1 })
                Assert.Equal(2, (await ArchiveReading.ReadAsync([.. packed, .. new byte[count]], piece)).Entries.Count);
        }
    }

    [Fact]
    public async Task Skippable_frames_are_ignored()
    {
        byte[] skippable = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        byte[] packed = [.. skippable, .. TarBuilder.Zstd(Plain[..5_000]), .. skippable, .. TarBuilder.Zstd(Plain[5_000..]), .. skippable];

        Assert.Equal(2, (await ArchiveReading.ReadAsync(packed)).Entries.Count);
    }

    [Fact]
    public async Task Parts_truncated_at_any_byte_are_rejected_with_400()
    {
        var plain = new TarBuilder().File("a", "text").ToArray();
        foreach (var pack in new Func<byte[], byte[]>[] { TarBuilder.Gzip, TarBuilder.Zstd })
        {
            byte[] packed = [.. pack(plain[..700]), .. pack(plain[700..])];
            for (var length = 0; length < packed.Length; length++)
            {
                var rejection = await Assert.ThrowsAsync<ApiException>(() => ArchiveReading.ReadAsync(packed[..length]));
                Assert.Equal(400, rejection.StatusCode);
            }
        }
    }

    /// <summary>A gzip member with the extra field of bgzip.</summary>
    private static byte[] Block(byte[] content)
    {
        var member = TarBuilder.Gzip(content);
        if (member.Length == 0)
            member = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, .. new byte[8]];
        member[3] |= 4;
        return [.. member[..10], 6, 0, (byte)'B', (byte)'C', 2, 0, 0, 0, .. member[10..]];
    }
}
