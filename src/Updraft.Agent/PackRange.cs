namespace Updraft.Agent;

/// <summary>One request for bytes of a pack: from <see cref="Start"/> up to, not including, <see cref="End"/>.</summary>
internal sealed record PackRange(string PackId, long Start, long End, IReadOnlyList<WantedFile> Files)
{
    /// <summary>Bytes nobody wants that are read rather than asked around.</summary>
    public const int MaxGap = 4 * 1024;

    /// <summary>A longer range is split, so that large fetches run beside each other.</summary>
    public const long MaxLength = 8 * 1024 * 1024;

    /// <summary>Puts contents that stand close together into one request.</summary>
    /// <exception cref="InvalidDataException">A place cannot be one.</exception>
    public static IReadOnlyList<PackRange> Plan(IEnumerable<WantedFile> files)
    {
        var ranges = new List<PackRange>();
        foreach (var pack in files.GroupBy(file => file.Location.PackId, StringComparer.Ordinal))
        {
            var (start, end, inside) = (0L, 0L, new List<WantedFile>());
            foreach (var file in pack.OrderBy(file => file.Location.Offset))
            {
                var (offset, length) = (file.Location.Offset, file.Location.Length);
                // The place is only a hint and not signed; a frame is never much longer than what it holds.
                if (offset < 0 || length <= 0 || length - 4096 > file.Entry.Size + file.Entry.Size / 64 || offset > long.MaxValue - length)
                    throw new InvalidDataException($"The content {file.Entry.Content} cannot stand at {offset} with {length} bytes.");
                if (inside.Count > 0 && (offset < end || offset - end > MaxGap || offset + length - start > MaxLength))
                {
                    ranges.Add(new PackRange(pack.Key, start, end, inside));
                    inside = [];
                }
                if (inside.Count == 0)
                    start = offset;
                inside.Add(file);
                end = offset + length;
            }
            ranges.Add(new PackRange(pack.Key, start, end, inside));
        }
        return ranges;
    }
}
