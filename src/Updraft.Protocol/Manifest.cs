using System.Globalization;
using System.Text;

namespace Updraft.Protocol;

/// <summary>One line of a manifest: a folder, or a file with its content's digest.</summary>
/// <param name="Path">Relative path, as <see cref="BundlePath"/> allows it.</param>
/// <param name="IsFolder">A folder; it has no content.</param>
/// <param name="IsExecutable">A file that its owner may execute: mode 0755, otherwise 0644.</param>
/// <param name="Size">Content length in bytes; 0 for a folder.</param>
/// <param name="Content">SHA-256 of the content; zero for a folder.</param>
public readonly record struct ManifestEntry(string Path, bool IsFolder, bool IsExecutable, long Size, Digest Content)
{
    /// <summary>A folder.</summary>
    public static ManifestEntry Folder(string path) => new(path, true, false, 0, default);

    /// <summary>A file.</summary>
    public static ManifestEntry File(string path, long size, Digest content, bool isExecutable = false) =>
        new(path, false, isExecutable, size, content);
}

/// <summary>
/// The canonical list of a bundle version's files and folders; its digest identifies the content. Equal trees have equal
/// bytes: entries stand in the order of their paths' UTF-8 bytes, and every folder on the way to a file is listed.
/// Format: docs/formats/manifest.md.
/// </summary>
public sealed class Manifest
{
    internal const string Header = "updraft-manifest 1\n";

    /// <summary>What a line takes at most beside its path.</summary>
    private const int MaxLineBytes = 6 + 20 + 1 + 2 * Digest.Size + 2;

    private Manifest(ManifestEntry[] entries, Digest digest)
    {
        (Entries, Digest) = (entries, digest);
        foreach (var entry in entries)
        {
            FileCount += entry.IsFolder ? 0 : 1;
            TotalBytes += entry.Size;
        }
    }

    /// <summary>All entries, in canonical order.</summary>
    public IReadOnlyList<ManifestEntry> Entries { get; }

    /// <summary>SHA-256 of the manifest's bytes.</summary>
    public Digest Digest { get; }

    /// <summary>Number of files.</summary>
    public int FileCount { get; }

    /// <summary>Sum of the files' sizes, in bytes.</summary>
    public long TotalBytes { get; }

    /// <summary>Sorts entries, adds the folders that lead to them, and checks that they form a tree.</summary>
    /// <exception cref="InvalidDataException">A path is bad, occurs twice, or a file stands where a folder must.</exception>
    public static Manifest Create(IEnumerable<ManifestEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        var byPath = new Dictionary<string, ManifestEntry>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            if (BundlePath.Problem(entry.Path) is { } problem)
                throw new InvalidDataException($"The path '{entry.Path}' {problem}.");
            if (!byPath.TryAdd(entry.Path, entry) && !(entry.IsFolder && byPath[entry.Path].IsFolder))
                throw new InvalidDataException($"The path '{entry.Path}' occurs twice.");
        }
        foreach (var path in byPath.Keys.ToArray())
        {
            for (var folder = BundlePath.Parent(path); folder is not null; folder = BundlePath.Parent(folder))
            {
                if (byPath.TryAdd(folder, ManifestEntry.Folder(folder)))
                    continue;
                if (!byPath[folder].IsFolder)
                    throw new InvalidDataException($"The path '{path}' lies below '{folder}', which is a file.");
                break;
            }
        }
        var sorted = byPath.Values.ToArray();
        Array.Sort(sorted, static (a, b) => BundlePath.Compare(a.Path, b.Path));
        return new Manifest(sorted, Digest.Of(Serialize(sorted)));
    }

    /// <summary>Reads a manifest. Only canonical bytes are accepted, so reading and writing again gives the same bytes.</summary>
    /// <exception cref="InvalidDataException">Anything that <see cref="ToBytes"/> would not have written.</exception>
    public static Manifest Parse(ReadOnlySpan<byte> bytes)
    {
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new InvalidDataException("The manifest is not valid UTF-8.", exception);
        }
        if (!text.StartsWith(Header, StringComparison.Ordinal) || text[^1] != '\n')
            throw new InvalidDataException("This is not an updraft-manifest 1, or it is cut off.");
        var entries = new List<ManifestEntry>(text.Length / 100);
        var rest = text.AsSpan(Header.Length);
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf('\n');
            entries.Add(ParseEntry(rest[..end]));
            rest = rest[(end + 1)..];
        }
        // What was read is in canonical form if it is what would be written: odd spellings of numbers show here, order and parents there.
        var sorted = entries.ToArray();
        CheckOrder(sorted);
        return bytes.SequenceEqual(Serialize(sorted)) ? new Manifest(sorted, Digest.Of(bytes)) : throw NotCanonical();
    }

    /// <summary>Takes entries that are in order already: the same as <see cref="Create"/>, without sorting.</summary>
    /// <exception cref="InvalidDataException">They are not in order, or a folder is missing or repeated.</exception>
    internal static Manifest FromSorted(ManifestEntry[] entries)
    {
        CheckOrder(entries);
        return new Manifest(entries, Digest.Of(Serialize(entries)));
    }

    private static void CheckOrder(ManifestEntry[] entries)
    {
        // The folders that lead to where the reading is. A file between a folder and what it holds may end in a character below the slash.
        var folders = new HashSet<string>(StringComparer.Ordinal);
        var lookup = folders.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var i = 0; i < entries.Length; i++)
        {
            var path = entries[i].Path;
            if (BundlePath.Problem(path) is { } problem)
                throw new InvalidDataException($"The path '{path}' {problem}.");
            var slash = path.LastIndexOf('/');
            if (i > 0 && BundlePath.Compare(entries[i - 1].Path, path) >= 0 || slash >= 0 && !lookup.Contains(path.AsSpan(0, slash)))
                throw NotCanonical();
            if (entries[i].IsFolder)
                folders.Add(path);
        }
    }

    private static InvalidDataException NotCanonical() => new("The manifest is not in canonical form.");

    /// <summary>The entry of a path; null when there is none.</summary>
    public ManifestEntry? Find(string path)
    {
        var (low, high) = (0, Entries.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = BundlePath.Compare(Entries[middle].Path, path);
            if (order == 0)
                return Entries[middle];
            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }
        return null;
    }

    /// <summary>The canonical bytes.</summary>
    public byte[] ToBytes() => Serialize(Entries);

    /// <summary>Appends an entry as it stands in a manifest: <c>d PATH</c> or <c>f MODE SIZE DIGEST PATH</c>.</summary>
    internal static StringBuilder AppendEntry(StringBuilder text, in ManifestEntry entry) => entry.IsFolder
        ? text.Append("d ").Append(entry.Path)
        : text.Append("f ").Append(entry.IsExecutable ? "755 " : "644 ")
            .Append(CultureInfo.InvariantCulture, $"{entry.Size} ").Append(entry.Content.ToString()).Append(' ').Append(entry.Path);

    /// <summary>Reads the form that <see cref="AppendEntry"/> writes.</summary>
    internal static ManifestEntry ParseEntry(ReadOnlySpan<char> line)
    {
        if (line.StartsWith("d "))
            return ManifestEntry.Folder(line[2..].ToString());
        Span<Range> parts = stackalloc Range[5];
        if (line.Split(parts, ' ') == 5 && line[parts[0]] is "f" && line[parts[1]] is "644" or "755"
            && long.TryParse(line[parts[2]], NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            && Digest.TryParse(line[parts[3]], out var content))
            return ManifestEntry.File(line[parts[4]].ToString(), size, content, line[parts[1]] is "755");
        throw new InvalidDataException($"'{line}' is no manifest line.");
    }

    private static byte[] Serialize(IReadOnlyList<ManifestEntry> entries)
    {
        var length = Header.Length;
        foreach (var entry in entries)
            length += MaxLineBytes + Encoding.UTF8.GetMaxByteCount(entry.Path.Length);
        // Not from a pool: an agent at rest would keep it.
        var buffer = new byte[length];
        var written = Encoding.UTF8.GetBytes(Header, buffer);
        foreach (var entry in entries)
            written += Write(entry, buffer.AsSpan(written));
        return buffer[..written];
    }

    /// <summary>The bytes of what <see cref="AppendEntry"/> appends, and the end of the line.</summary>
    private static int Write(in ManifestEntry entry, Span<byte> line)
    {
        int length;
        if (entry.IsFolder)
        {
            length = Encoding.UTF8.GetBytes("d ", line);
        }
        else
        {
            length = Encoding.UTF8.GetBytes(entry.IsExecutable ? "f 755 " : "f 644 ", line);
            entry.Size.TryFormat(line[length..], out var digits, provider: CultureInfo.InvariantCulture);
            length += digits;
            line[length++] = (byte)' ';
            Span<byte> content = stackalloc byte[Digest.Size];
            entry.Content.CopyTo(content);
            Convert.TryToHexStringLower(content, line[length..], out var hexadecimal);
            length += hexadecimal;
            line[length++] = (byte)' ';
        }
        length += Encoding.UTF8.GetBytes(entry.Path, line[length..]);
        line[length] = (byte)'\n';
        return length + 1;
    }
}
