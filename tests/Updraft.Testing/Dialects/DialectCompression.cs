namespace Updraft.Testing;

/// <summary>Compresses archives as gzip, pigz, bgzip, zstd and pzstd do.</summary>
internal static class DialectCompression
{
    public static byte[] Pack(byte[] plain, string compression, Random random) => compression switch
    {
        "gzip" => TarBuilder.Gzip(plain),
        "gzip padded" => [.. TarBuilder.Gzip(plain), .. new byte[random.Next(1, 2000)]],
        "gzip members" => [.. plain.Chunk(random.Next(1000, 20_000)).SelectMany(TarBuilder.Gzip)],
        "bgzip" => [.. plain.Chunk(65_280).SelectMany(Block), .. EmptyBlock],
        "zstd" => TarBuilder.Zstd(plain),
        "zstd frames" => [.. plain.Chunk(random.Next(1000, 20_000)).SelectMany(TarBuilder.Zstd)],
        "zstd skippable" => [.. TarBuilder.Zstd(plain), .. Skippable],
        _ => plain,
    };

    private static byte[] Skippable => [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];

    private static byte[] EmptyBlock =>
        [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, (byte)'B', (byte)'C', 2, 0, 27, 0, 3, 0, .. new byte[8]];

    private static byte[] Block(byte[] content)
    {
        var member = TarBuilder.Gzip(content);
        member[3] |= 4;
        return [.. member[..10], 6, 0, (byte)'B', (byte)'C', 2, 0, 0, 0, .. member[10..]];
    }
}
