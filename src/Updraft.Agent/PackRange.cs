namespace Updraft.Agent;

/// <summary>One range request for a pack: bytes from <see cref="Start"/> up to, but not including, <see cref="End"/>.</summary>
internal sealed record PackRange(string PackId, long Start, long End, IReadOnlyList<WantedFile> Files)
{
    /// <summary>Largest gap of unused bytes in one request, in bytes. Reading such a gap is faster than a second request.</summary>
    public const int MaxGap = 4 * 1024;

    /// <summary>Length above which a range is split, in bytes, so that large downloads run in parallel.</summary>
    public const long MaxLength = 8 * 1024 * 1024;

    /// <summary>Combines contents that are close together into one request.</summary>
    /// <exception cref="InvalidDataException">A location is impossible.</exception>
    public static IReadOnlyList<PackRange> Plan(IEnumerable<WantedFile> files)
    {
        var ranges = new List<PackRange>();
        foreach (var pack in files.GroupBy(file => file.Location.PackId, StringComparer.Ordinal))
        {
            var (start, end, inside) = (0L, 0L, new List<WantedFile>());
            foreach (var file in pack.OrderBy(file => file.Location.Offset))
            {
                var (offset, length) = (file.Location.Offset, file.Location.Length);
                // Locations are hints that are not signed. A frame is never much longer than its content.
                if (offset < 0 || length <= 0 || length - 4096 > file.Entry.Size + file.Entry.Size / 64 || offset > long.MaxValue - length)
                    throw new InvalidDataException($"The content {file.Entry.Content} of {file.Entry.Size} bytes cannot be at "
                        + $"{offset} with {length} bytes.");
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
