namespace Updraft.Testing;

/// <summary>The maps of files with holes, as tar programs write them.</summary>
internal static class DialectHoles
{
    private const int Block = 4096, InHeader = 4, InBlock = 21;

    /// <summary>The runs of blocks that are not zeros, and an empty run at the end of a file that ends in a hole.</summary>
    public static IReadOnlyList<(int Offset, int Length)> Find(byte[] content)
    {
        var runs = new List<(int Offset, int Length)>();
        for (var at = 0; at < content.Length; at += Block)
        {
            var length = Math.Min(Block, content.Length - at);
            if (!content.AsSpan(at, length).ContainsAnyExcept((byte)0))
                continue;
            if (runs is [.., var last] && last.Offset + last.Length == at)
                runs[^1] = (last.Offset, last.Length + length);
            else
                runs.Add((at, length));
        }
        if (runs is [] || runs[^1].Offset + runs[^1].Length < content.Length)
            runs.Add((content.Length, 0));
        return runs;
    }

    /// <summary>The bytes of all runs.</summary>
    public static byte[] Data(byte[] content, IReadOnlyList<(int Offset, int Length)> map) =>
        [.. map.SelectMany(run => content.AsSpan(run.Offset, run.Length).ToArray())];

    /// <summary>Writes the first runs and the real size into a header of GNU tar.</summary>
    public static void WriteFields(byte[] header, IReadOnlyList<(int Offset, int Length)> map, long realSize)
    {
        Write(header.AsSpan(386), map.Take(InHeader));
        header[482] = (byte)(map.Count > InHeader ? 1 : 0);
        Octal(header.AsSpan(483, 12), realSize);
    }

    /// <summary>The blocks with the other runs.</summary>
    public static IEnumerable<byte[]> FurtherBlocks(IReadOnlyList<(int Offset, int Length)> map)
    {
        for (var at = InHeader; at < map.Count; at += InBlock)
        {
            var block = new byte[512];
            Write(block, map.Skip(at).Take(InBlock));
            block[504] = (byte)(map.Count > at + InBlock ? 1 : 0);
            yield return block;
        }
    }

    private static void Write(Span<byte> fields, IEnumerable<(int Offset, int Length)> runs)
    {
        foreach (var (offset, length) in runs)
        {
            Octal(fields[..12], offset);
            Octal(fields[12..24], length);
            fields = fields[24..];
        }
    }

    private static void Octal(Span<byte> field, long value) =>
        TarBuilder.Text(Convert.ToString(value, 8).PadLeft(11, '0') + "\0").CopyTo(field);
}
