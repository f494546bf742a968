using System.Globalization;
using System.Text;

namespace Updraft.Protocol;

/// <summary>One line of a manifest: a directory, or a file with the digest of its content.</summary>
/// <param name="Path">Relative path that is a valid <see cref="BundlePath"/>.</param>
/// <param name="IsDirectory">Whether the entry is a directory, which has no content.</param>
/// <param name="IsExecutable">Whether the file has mode 0755; otherwise it has 0644.</param>
/// <param name="Size">Content length in bytes; 0 for a directory.</param>
/// <param name="Content">SHA-256 of the content; zero for a directory.</param>
public readonly record struct ManifestEntry(string Path, bool IsDirectory, bool IsExecutable, long Size, Digest Content)
{
    /// <summary>Creates the entry of a directory.</summary>
    public static ManifestEntry Directory(string path) => new(path, true, false, 0, default);

    /// <summary>Creates the entry of a file.</summary>
    public static ManifestEntry File(string path, long size, Digest content, bool isExecutable = false) =>
        new(path, false, isExecutable, size, content);
}

/// <summary>
/// The canonical list of a bundle version's files and directories; its digest identifies the version. Equal trees have equal
/// bytes: entries are in the order of their paths' UTF-8 bytes, and every parent directory is listed.
/// Format: docs/formats/manifest.md.
/// </summary>
public sealed class Manifest
{
    private static ReadOnlySpan<byte> HeaderBytes => "updraft-manifest 1\n"u8;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // A new manifest is usually written next, so its bytes are kept until then.
    private byte[]? _bytes;

    private Manifest(ManifestEntry[] entries, Digest digest)
    {
        (Entries, Digest) = (entries, digest);
        foreach (var entry in entries)
        {
            FileCount += entry.IsDirectory ? 0 : 1;
            TotalBytes += entry.Size;
        }
    }

    /// <summary>All entries, in canonical order.</summary>
    public IReadOnlyList<ManifestEntry> Entries { get; }

    /// <summary>SHA-256 of the manifest's bytes.</summary>
    public Digest Digest { get; }

    /// <summary>Number of files, without directories.</summary>
    public int FileCount { get; }

    /// <summary>Sum of the files' sizes, in bytes.</summary>
    public long TotalBytes { get; }

    /// <summary>Sorts entries, adds missing parent directories, and verifies that the entries form a tree.</summary>
    /// <exception cref="InvalidDataException">A path is invalid or occurs twice, or a parent directory is a file.</exception>
    public static Manifest Create(IEnumerable<ManifestEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        var byPath = new Dictionary<string, ManifestEntry>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            if (BundlePath.Problem(entry.Path) is { } problem)
                throw new InvalidDataException($"The path '{entry.Path}' {problem}.");
            if (!byPath.TryAdd(entry.Path, entry) && !(entry.IsDirectory && byPath[entry.Path].IsDirectory))
                throw new InvalidDataException($"The path '{entry.Path}' occurs twice. Each path must be unique.");
        }
        foreach (var path in byPath.Keys.ToArray())
        {
            for (var directory = BundlePath.Parent(path); directory is not null; directory = BundlePath.Parent(directory))
            {
                if (byPath.TryAdd(directory, ManifestEntry.Directory(directory)))
                    continue;
                if (!byPath[directory].IsDirectory)
                    throw new InvalidDataException($"The path '{path}' lies below '{directory}', which is a file and not a directory.");
                break;
            }
        }
        var sorted = byPath.Values.ToArray();
        Array.Sort(sorted, static (a, b) => BundlePath.Compare(a.Path, b.Path));
        return Of(sorted);
    }

    /// <summary>Reads a manifest. It accepts only canonical bytes, so <see cref="ToBytes"/> returns equal bytes.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a canonical manifest.</exception>
    public static Manifest Parse(ReadOnlySpan<byte> bytes)
    {
        var entries = ParseEntries(bytes);
        CheckPaths(entries);
        CheckOrder(entries);
        return new Manifest(entries, Digest.Of(bytes));
    }

    /// <summary>
    /// Reads a manifest with a known digest. A known digest comes from <see cref="Parse"/> or <see cref="Create"/>, so this method does not
    /// validate paths and order again.
    /// </summary>
    /// <returns>Null if the bytes have another digest.</returns>
    public static Manifest? ParseKnown(ReadOnlySpan<byte> bytes, Digest digest) =>
        Digest.Of(bytes) == digest ? new Manifest(ParseEntries(bytes), digest) : null;

    /// <summary>
    /// Reads the entries of a manifest one after the other, in canonical order. Its memory does not depend on the number of entries. It
    /// does not verify paths and order: use it for bytes with a known digest, as <see cref="ParseKnown"/> does.
    /// </summary>
    /// <exception cref="InvalidDataException">The bytes are not a manifest. A damaged line throws when the caller reaches it.</exception>
    public static IEnumerable<ManifestEntry> ReadEntries(ReadOnlyMemory<byte> bytes)
    {
        CheckEnds(bytes.Span);
        return Lines(bytes[HeaderBytes.Length..]);

        static IEnumerable<ManifestEntry> Lines(ReadOnlyMemory<byte> rest)
        {
            while (rest.Length > 0)
            {
                var end = rest.Span.IndexOf((byte)'\n');
                yield return ParseLine(rest.Span[..end]);
                rest = rest[(end + 1)..];
            }
        }
    }

    private static void CheckEnds(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith(HeaderBytes) || bytes[^1] != '\n')
            throw new InvalidDataException("The manifest does not start with 'updraft-manifest 1', or it is truncated.");
    }

    // Converting the whole manifest to text first would touch a megabyte once, which takes an agent as long as all other work here.
    private static ManifestEntry[] ParseEntries(ReadOnlySpan<byte> bytes)
    {
        CheckEnds(bytes);
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

    /// <summary>Reads the form that <see cref="AppendEntry"/> writes.</summary>
    internal static ManifestEntry ParseLine(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith("d "u8))
            return ManifestEntry.Directory(PathOf(line[2..]));
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
        throw new InvalidDataException($"'{Encoding.UTF8.GetString(line)}' is not a line of a manifest.");
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

    /// <summary>Creates a manifest of sorted entries, without the sort of <see cref="Create"/>.</summary>
    /// <param name="entries">Entries whose paths the caller has validated.</param>
    /// <exception cref="InvalidDataException">The entries are not in order, or a directory is missing or occurs twice.</exception>
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

    /// <exception cref="InvalidDataException">The path of an entry is invalid.</exception>
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
        // All directories so far. The last one is not enough: 'a-b' sorts between the directory 'a' and its file 'a/c'.
        var directories = new HashSet<string>(StringComparer.Ordinal);
        var lookup = directories.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var i = 0; i < entries.Length; i++)
        {
            var path = entries[i].Path;
            var slash = path.LastIndexOf('/');
            if (i > 0 && BundlePath.Compare(entries[i - 1].Path, path) >= 0 || slash >= 0 && !lookup.Contains(path.AsSpan(0, slash)))
                throw NotCanonical();
            if (entries[i].IsDirectory)
                directories.Add(path);
        }
    }

    private static InvalidDataException NotCanonical() =>
        new("The manifest is not canonical: entries must be sorted, each parent directory listed, and numbers without leading zeros.");

    /// <summary>Entry of a path; null if there is none.</summary>
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

    /// <summary>Serializes the manifest to its canonical bytes.</summary>
    public byte[] ToBytes() => Interlocked.Exchange(ref _bytes, null) ?? Serialize(Entries);

    /// <summary>Appends an entry in the form of a manifest: <c>d PATH</c> or <c>f MODE SIZE DIGEST PATH</c>.</summary>
    internal static StringBuilder AppendEntry(StringBuilder text, in ManifestEntry entry) => entry.IsDirectory
        ? text.Append("d ").Append(entry.Path)
        : text.Append("f ").Append(entry.IsExecutable ? "755 " : "644 ")
            .Append(CultureInfo.InvariantCulture, $"{entry.Size} ").Append(entry.Content.ToString()).Append(' ').Append(entry.Path);

    private static byte[] Serialize(IReadOnlyList<ManifestEntry> entries)
    {
        var length = HeaderBytes.Length;
        foreach (var entry in entries)
        {
            length += Encoding.UTF8.GetByteCount(entry.Path) + (entry.IsDirectory ? 3 : 9 + Digits(entry.Size) + 2 * Digest.Size);
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

    /// <summary>Writes the text of <see cref="AppendEntry"/> as UTF-8, with a line break.</summary>
    /// <returns>Number of bytes written.</returns>
    private static int Write(in ManifestEntry entry, Span<byte> line)
    {
        var length = 2;
        if (entry.IsDirectory)
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
