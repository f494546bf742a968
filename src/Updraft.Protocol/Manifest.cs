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
        var entries = new List<ManifestEntry>();
        var rest = text.AsSpan(Header.Length);
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf('\n');
            entries.Add(ParseEntry(rest[..end]));
            rest = rest[(end + 1)..];
        }
        var manifest = Create(entries);
        // One check covers order, repeated folders, missing parents and odd spellings of numbers.
        if (manifest.Entries.Count != entries.Count || manifest.Digest != Digest.Of(bytes))
            throw new InvalidDataException("The manifest is not in canonical form.");
        return manifest;
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
            && Digest.TryParse(line[parts[3]].ToString(), out var content))
            return ManifestEntry.File(line[parts[4]].ToString(), size, content, line[parts[1]] is "755");
        throw new InvalidDataException($"'{line}' is no manifest line.");
    }

    private static byte[] Serialize(IReadOnlyList<ManifestEntry> entries)
    {
        var text = new StringBuilder(Header, Header.Length + entries.Count * 112);
        foreach (var entry in entries)
            AppendEntry(text, entry).Append('\n');
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
