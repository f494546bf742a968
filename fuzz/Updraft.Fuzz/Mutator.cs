namespace Updraft.Fuzz;

/// <summary>Makes new uploads out of known ones. Blocks of 512 bytes, numbers in headers and checksums are known to it.</summary>
internal sealed class Mutator(IReadOnlyList<byte[]> corpus, Random random)
{
    private const int MaxBytes = 256 * 1024;

    private static readonly byte[] Telling = [0, 1, 0x1f, 0x20, 0x2f, 0x30, 0x37, 0x38, 0x3d, 0x7f, 0x80, 0x81, 0xc0, 0xff, (byte)'.', (byte)'x'];

    private static readonly int[] Fields = [0, 100, 108, 116, 124, 135, 136, 148, 156, 157, 257, 262, 263, 329, 345, 500];

    public byte[] Next()
    {
        var bytes = random.Next(4) == 0 ? OddArchives.Make(random.Next()) : [.. corpus[random.Next(corpus.Count)]];
        for (var times = random.Next(1, 8); times > 0; times--)
            bytes = Change(bytes);
        if (random.Next(5) > 0)
            CorrectChecksums(bytes);
        bytes = bytes.Length > MaxBytes ? bytes[..MaxBytes] : bytes;
        var framed = random.Next(8) switch { 0 => TarBuilder.Gzip(bytes), 1 => TarBuilder.Zstd(bytes), _ => bytes };
        return framed != bytes && random.Next(2) == 0 ? Change(framed) : framed;
    }

    private byte[] Change(byte[] bytes)
    {
        if (bytes.Length == 0)
            return [Telling[random.Next(Telling.Length)]];
        var (at, block) = (random.Next(bytes.Length), random.Next(bytes.Length) / 512 * 512);
        var blockEnd = Math.Min(block + 512, bytes.Length);
        switch (random.Next(10))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                bytes[at] = (byte)random.Next(256);
                return bytes;
            case 2:
            case 3:
                var field = block + Fields[random.Next(Fields.Length)];
                for (var count = random.Next(1, 12); count > 0 && field < bytes.Length; count--, field++)
                    bytes[field] = Telling[random.Next(Telling.Length)];
                return bytes;
            case 4:
                return [.. bytes[..block], .. bytes[blockEnd..]];
            case 5:
                return [.. bytes[..block], .. bytes[block..blockEnd], .. bytes[block..]];
            case 6:
                var other = corpus[random.Next(corpus.Count)];
                var from = other.Length == 0 ? 0 : random.Next(other.Length) / 512 * 512;
                return [.. bytes[..block], .. other[from..]];
            case 7:
                return bytes[..at];
            case 8:
                var length = random.Next(1, 64);
                return [.. bytes[..at], .. Enumerable.Repeat(Telling[random.Next(Telling.Length)], length), .. bytes[at..]];
            default:
                var source = random.Next(bytes.Length);
                bytes.AsSpan(source, Math.Min(random.Next(1, 600), bytes.Length - Math.Max(source, at))).ToArray().CopyTo(bytes, at);
                return bytes;
        }
    }

    /// <summary>Else nearly every change would be found out by its checksum.</summary>
    private static void CorrectChecksums(byte[] bytes)
    {
        for (var start = 0; start + 512 <= bytes.Length; start += 512)
        {
            var header = bytes.AsSpan(start, 512);
            if (!header[257..263].StartsWith("ustar"u8) && header[148..156].IndexOfAnyExceptInRange((byte)'0', (byte)'7') < 4)
                continue;
            header[148..156].Fill((byte)' ');
            var sum = 0;
            foreach (var value in header)
                sum += value;
            TarBuilder.Text(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0").CopyTo(header[148..]);
        }
    }
}
