using System.Globalization;
using System.Text;

namespace Updraft.Protocol;

/// <summary>Location of a compressed content: a range of bytes in a pack.</summary>
/// <param name="PackId">Id of the pack.</param>
/// <param name="Offset">Number of bytes from the start of the pack to the zstd frame.</param>
/// <param name="Length">Length of the zstd frame in bytes.</param>
public readonly record struct PackLocation(string PackId, long Offset, long Length);

/// <summary>
/// The difference between two manifests, with the locations of the added contents. A complete manifest is the difference to the
/// empty one. Locations are hints, because the digest identifies a content. Format: docs/formats/manifest.md.
/// </summary>
public sealed class ManifestDiff
{
    internal const string Header = "updraft-diff 1\n";

    internal ManifestDiff(Digest? from, Digest to, IReadOnlyList<string> removed, IReadOnlyList<ManifestEntry> added,
        IReadOnlyDictionary<Digest, PackLocation> locations) =>
        (From, To, Removed, Added, Locations) = (from, to, removed, added, locations);

    /// <summary>Digest of the earlier manifest; null for the empty one.</summary>
    public Digest? From { get; }

    /// <summary>Digest of the resulting manifest.</summary>
    public Digest To { get; }

    /// <summary>Paths of <see cref="From"/> that <see cref="To"/> does not have, in canonical order.</summary>
    public IReadOnlyList<string> Removed { get; }

    /// <summary>Entries that are new or changed, in canonical order.</summary>
    public IReadOnlyList<ManifestEntry> Added { get; }

    /// <summary>Locations of the contents of <see cref="Added"/>.</summary>
    public IReadOnlyDictionary<Digest, PackLocation> Locations { get; }

    /// <summary>Compares two manifests.</summary>
    /// <param name="from">The earlier manifest; null for the empty one.</param>
    /// <param name="to">The later manifest.</param>
    public static (IReadOnlyList<string> Removed, IReadOnlyList<ManifestEntry> Added) Compare(Manifest? from, Manifest to)
    {
        ArgumentNullException.ThrowIfNull(to);
        var (removed, added) = (new List<string>(), new List<ManifestEntry>());
        IReadOnlyList<ManifestEntry> old = from?.Entries ?? [];
        var (i, j) = (0, 0);
        while (i < old.Count || j < to.Entries.Count)
        {
            var order = i == old.Count ? 1 : j == to.Entries.Count ? -1 : BundlePath.Compare(old[i].Path, to.Entries[j].Path);
            if (order < 0)
                removed.Add(old[i++].Path);
            else if (order > 0)
                added.Add(to.Entries[j++]);
            else if (old[i++] != to.Entries[j++])
                added.Add(to.Entries[j - 1]);
        }
        return (removed, added);
    }

    /// <summary>Creates the difference between two manifests.</summary>
    /// <param name="from">The earlier manifest; null for the empty one.</param>
    /// <param name="to">The later manifest.</param>
    /// <param name="locations">Locations of the contents of all added files. The difference omits other locations.</param>
    public static ManifestDiff Between(Manifest? from, Manifest to, IReadOnlyDictionary<Digest, PackLocation> locations)
    {
        ArgumentNullException.ThrowIfNull(to);
        ArgumentNullException.ThrowIfNull(locations);
        var (removed, added) = Compare(from, to);
        var needed = new Dictionary<Digest, PackLocation>();
        foreach (var entry in added)
        {
            if (!entry.IsDirectory)
                needed[entry.Content] = locations[entry.Content];
        }
        return new ManifestDiff(from?.Digest, to.Digest, removed, added, needed);
    }

    /// <summary>Builds the later manifest and verifies its digest.</summary>
    /// <param name="from">The manifest with the digest <see cref="From"/>; null for the empty one.</param>
    /// <exception cref="InvalidDataException">
    /// The earlier manifest has another digest, or the result does not have the digest <see cref="To"/>.
    /// </exception>
    public Manifest ApplyTo(Manifest? from)
    {
        if (from?.Digest != From)
            throw new InvalidDataException($"The difference starts from manifest {From}, not from {from?.Digest}.");
        var old = from?.Entries ?? [];
        // If one of the three lists is not in canonical order, the result has another digest.
        var entries = new List<ManifestEntry>(old.Count + Added.Count);
        var (i, j, k) = (0, 0, 0);
        while (i < old.Count || j < Added.Count)
        {
            var order = i == old.Count ? 1 : j == Added.Count ? -1 : BundlePath.Compare(old[i].Path, Added[j].Path);
            if (order >= 0)
                entries.Add(Added[j++]);
            if (order > 0)
                continue;
            var path = old[i++].Path;
            var isRemoved = k < Removed.Count && Removed[k] == path;
            if (isRemoved)
                k++;
            else if (order < 0)
                entries.Add(old[i - 1]);
        }
        if (k < Removed.Count)
            throw new InvalidDataException($"The difference removes '{Removed[k]}', which the earlier manifest does not have.");
        Manifest.CheckPaths(Added);
        var result = Manifest.FromSorted([.. entries]);
        return result.Digest == To
            ? result
            : throw new InvalidDataException($"The difference results in manifest {result.Digest}, not in {To}.");
    }

    /// <summary>Serializes the difference.</summary>
    public byte[] ToBytes()
    {
        var text = new StringBuilder(Header).Append(CultureInfo.InvariantCulture, $"from {From?.ToString() ?? "-"}\nto {To}\n");
        var packs = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var pack in Locations.Values.Select(location => location.PackId).Distinct(StringComparer.Ordinal))
        {
            packs.Add(pack, packs.Count);
            text.Append(CultureInfo.InvariantCulture, $"pack {pack}\n");
        }
        foreach (var path in Removed)
            text.Append("- ").Append(path).Append('\n');
        foreach (var entry in Added)
        {
            text.Append("+ ");
            if (!entry.IsDirectory)
            {
                var location = Locations[entry.Content];
                text.Append(CultureInfo.InvariantCulture, $"{packs[location.PackId]} {location.Offset} {location.Length} ");
            }
            Manifest.AppendEntry(text, entry).Append('\n');
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>Reads a difference.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a difference, or they are truncated.</exception>
    public static ManifestDiff Parse(ReadOnlySpan<byte> bytes)
    {
        var parser = new ManifestDiffParser();
        parser.Add(bytes);
        return parser.Complete();
    }
}
