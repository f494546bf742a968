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
    private static ReadOnlySpan<byte> HeaderBytes => "updraft-manifest 1\n"u8;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // Whoever makes a manifest writes it next; until then they need not be made again.
    private byte[]? _bytes;

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
        return Of(sorted);
    }

    /// <summary>Reads a manifest. Only canonical bytes are accepted, so reading and writing again gives the same bytes.</summary>
    /// <exception cref="InvalidDataException">Anything that <see cref="ToBytes"/> would not have written.</exception>
    public static Manifest Parse(ReadOnlySpan<byte> bytes)
    {
        var entries = ParseEntries(bytes);
        CheckPaths(entries);
        CheckOrder(entries);
        return new Manifest(entries, Digest.Of(bytes));
    }

    /// <summary>Reads a manifest whose digest says that it was read by <see cref="Parse"/>, or made here, before: it need not be checked again.</summary>
    /// <returns>Null when the bytes have another digest.</returns>
    public static Manifest? ParseKnown(ReadOnlySpan<byte> bytes, Digest digest) =>
        Digest.Of(bytes) == digest ? new Manifest(ParseEntries(bytes), digest) : null;

    // Without a text of the whole first: a megabyte that is touched once costs an agent as much as all the rest of this.
    private static ManifestEntry[] ParseEntries(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith(HeaderBytes) || bytes[^1] != '\n')
            throw new InvalidDataException("This is not an updraft-manifest 1, or it is cut off.");
        var rest = bytes[HeaderBytes.Length..];
        var entries = new ManifestEntry[rest.Count((byte)'\n')];
        for (var i = 0; i < entries.Length; i++)
        {
            var end = rest.IndexOf((byte)'\n');
            entries[i] = ParseLine(rest[..end]);
            rest = rest[(end + 1)..];
        }
        return entries;
    }

    private static ManifestEntry ParseLine(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith("d "u8))
            return ManifestEntry.Folder(PathOf(line[2..]));
        var isExecutable = line.StartsWith("f 755 "u8);
        if (isExecutable || line.StartsWith("f 644 "u8))
        {
            var rest = line[6..];
            var digits = rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            if (digits > 0 && rest.Length > digits + Digest.Size * 2 + 2 && rest[digits] == ' ' && rest[digits + Digest.Size * 2 + 1] == ' '
                && long.TryParse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out var size)
                && Digest.TryParse(rest.Slice(digits + 1, Digest.Size * 2), out var content))
            {
                return rest[0] == '0' && digits > 1 ? throw NotCanonical()
                    : ManifestEntry.File(PathOf(rest[(digits + Digest.Size * 2 + 2)..]), size, content, isExecutable);
            }
        }
        throw new InvalidDataException($"'{Encoding.UTF8.GetString(line)}' is no manifest line.");
    }

    private static string PathOf(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new InvalidDataException("The manifest is not valid UTF-8.", exception);
        }
    }

    /// <summary>Takes entries that are in order already: the same as <see cref="Create"/>, without sorting.</summary>
    /// <param name="entries">Their paths were checked one by one.</param>
    /// <exception cref="InvalidDataException">They are not in order, or a folder is missing or repeated.</exception>
    internal static Manifest FromSorted(ManifestEntry[] entries)
    {
        CheckOrder(entries);
        return Of(entries);
    }

    private static Manifest Of(ManifestEntry[] entries)
    {
        var bytes = Serialize(entries);
        return new Manifest(entries, Digest.Of(bytes)) { _bytes = bytes };
    }

    /// <exception cref="InvalidDataException">The path of an entry is none.</exception>
    internal static void CheckPaths(IEnumerable<ManifestEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (BundlePath.Problem(entry.Path) is { } problem)
                throw new InvalidDataException($"The path '{entry.Path}' {problem}.");
        }
    }

    private static void CheckOrder(ManifestEntry[] entries)
    {
        // The folders that lead to where the reading is. A file between a folder and what it holds may end in a character below the slash.
        var folders = new HashSet<string>(StringComparer.Ordinal);
        var lookup = folders.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var i = 0; i < entries.Length; i++)
        {
            var path = entries[i].Path;
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
    public byte[] ToBytes() => Interlocked.Exchange(ref _bytes, null) ?? Serialize(Entries);

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
        var length = HeaderBytes.Length;
        foreach (var entry in entries)
        {
            length += Encoding.UTF8.GetByteCount(entry.Path) + (entry.IsFolder ? 3 : 9 + Digits(entry.Size) + 2 * Digest.Size);
        }
        var buffer = new byte[length];
        HeaderBytes.CopyTo(buffer);
        var written = HeaderBytes.Length;
        foreach (var entry in entries)
            written += Write(entry, buffer.AsSpan(written));
        return buffer;
    }

    private static int Digits(long size)
    {
        var digits = 1;
        for (; size >= 10; size /= 10)
            digits++;
        return digits;
    }

    /// <summary>The bytes of what <see cref="AppendEntry"/> appends, and the end of the line.</summary>
    private static int Write(in ManifestEntry entry, Span<byte> line)
    {
        var length = 2;
        if (entry.IsFolder)
        {
            "d "u8.CopyTo(line);
        }
        else
        {
            (entry.IsExecutable ? "f 755 "u8 : "f 644 "u8).CopyTo(line);
            length = 6;
            entry.Size.TryFormat(line[length..], out var digits, provider: CultureInfo.InvariantCulture);
            length += digits;
            line[length++] = (byte)' ';
            length += entry.Content.WriteTo(line[length..]);
            line[length++] = (byte)' ';
        }
        length += Encoding.UTF8.GetBytes(entry.Path, line[length..]);
        line[length] = (byte)'\n';
        return length + 1;
    }
}
