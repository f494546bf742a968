using System.Buffers.Text;
using System.Text;

namespace Updraft.Server.Archives;

/// <summary>
/// The extended header (POSIX pax) of the entry that follows it: records of the form <c>LENGTH KEY=VALUE\n</c>. Names, size and holes
/// count. Times, owners and attributes of vendors are ignored, even if they are malformed.
/// </summary>
internal sealed class PaxRecords
{
    private const string Advice = "Pack the archive again with GNU tar.", Sparse = "GNU.sparse.";

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private string? _path, _sparseName, _major, _minor;
    private long? _offset;

    /// <summary>
    /// The name of the entry. The name of a sparse file takes precedence: the other one is for programs that do not know holes.
    /// </summary>
    public string? Path => _sparseName ?? _path;

    public string? Link { get; private set; }

    /// <summary>Length of the stored content, in bytes.</summary>
    public long? Size { get; private set; }

    /// <summary>Length of a sparse file with its holes, in bytes; null for other files.</summary>
    public long? RealSize { get; private set; }

    /// <summary>The map of a sparse file of the versions 0.0 and 0.1; null for other files.</summary>
    public SparseMap? Map { get; private set; }

    /// <summary>Whether the file is sparse with version 1.0, which stores the map before the content.</summary>
    public bool HasStoredMap => _major == "1";

    /// <summary>Reads the records of one entry.</summary>
    /// <param name="payload">The content of the extended header.</param>
    /// <param name="header">The name of the extended header, for messages.</param>
    /// <exception cref="Api.ApiException">400: a record is malformed, occurs twice, or is not supported.</exception>
    public static PaxRecords Parse(ReadOnlySpan<byte> payload, string header)
    {
        var records = new PaxRecords();
        while (!payload.IsEmpty)
        {
            var key = TakeRecord(ref payload, header, out var value);
            records.Apply(key, value, header);
        }
        records.CheckSparse(header);
        return records;
    }

    /// <summary>Checks the records of the whole archive. They may set all that Updraft ignores.</summary>
    /// <exception cref="Api.ApiException">400: a record gives all entries one name, link target or size.</exception>
    public static void CheckGlobal(ReadOnlySpan<byte> payload, string header)
    {
        while (!payload.IsEmpty)
        {
            var key = TakeRecord(ref payload, header, out var value);
            if (key == "hdrcharset")
                CheckCharacterSet(value, header);
            else if (key is "path" or "linkpath" or "size" or "SCHILY.realsize" || key.StartsWith(Sparse, StringComparison.Ordinal)
                || IsVolume(key))
                throw BadArchive.Entry(header, $"sets '{BadArchive.Shorten(key)}' for the whole archive, "
                    + "which only a single entry can have", Advice);
        }
    }

    private static string TakeRecord(ref ReadOnlySpan<byte> payload, string header, out ReadOnlySpan<byte> value)
    {
        if (Utf8Parser.TryParse(payload, out int length, out var digits) && payload[0] is >= (byte)'1' and <= (byte)'9'
            && length <= payload.Length && length > digits + 3 && payload[digits] == ' ' && payload[length - 1] == '\n')
        {
            var record = payload[(digits + 1)..(length - 1)];
            payload = payload[length..];
            var equals = record.IndexOf((byte)'=');
            // GNU tar skips spaces before a key, and ends the key at a NUL. Such keys would mean another name to GNU tar.
            if (equals > 0 && record[0] != ' ' && !record[..equals].ContainsAnyInRange((byte)0, (byte)0x1f))
            {
                value = record[(equals + 1)..];
                return Encoding.Latin1.GetString(record[..equals]);
            }
        }
        throw BadArchive.Entry(header, "is an extended header with a malformed record", Advice);
    }

    private void Apply(string key, ReadOnlySpan<byte> value, string header)
    {
        // Version 0.0 repeats these two records for each segment.
        if (key is not (Sparse + "offset" or Sparse + "numbytes") && !_seen.Add(key))
            throw BadArchive.Entry(header, $"has the record '{BadArchive.Shorten(key)}' twice", Advice);
        switch (key)
        {
            case "path":
                _path = ArchivePath.Decode(value);
                break;
            case "linkpath":
                Link = ArchivePath.Decode(value);
                break;
            case "size":
                Size = ReadNumber(value, header, "size");
                break;
            case "hdrcharset":
                CheckCharacterSet(value, header);
                break;
            case "SCHILY.realsize":
                throw BadArchive.Entry(header, "belongs to a sparse file of star, which Updraft does not support",
                    "Use star without -sparse, or GNU tar.");
            default:
                if (key.StartsWith(Sparse, StringComparison.Ordinal))
                    ApplySparse(key[Sparse.Length..], value, header);
                else if (IsVolume(key))
                    throw BadArchive.Entry(header, "belongs to a volume of a split archive", "Use tar without --multi-volume.");
                break;
        }
    }

    private void ApplySparse(string key, ReadOnlySpan<byte> value, string header)
    {
        switch (key)
        {
            case "name":
                _sparseName = ArchivePath.Decode(value);
                break;
            case "major":
                _major = Encoding.Latin1.GetString(value);
                break;
            case "minor":
                _minor = Encoding.Latin1.GetString(value);
                break;
            case "size" or "realsize":
                RealSize = ReadNumber(value, header, "real size");
                break;
            case "map":
                if (!(Map ??= new()).TryAddList(value))
                    throw BadMap(header);
                break;
            case "offset":
                if (_offset is not null)
                    throw BadMap(header);
                _offset = ReadNumber(value, header, "offset");
                break;
            case "numbytes":
                (Map ??= new()).Add(_offset ?? throw BadMap(header), ReadNumber(value, header, "length"));
                _offset = null;
                break;
        }
    }

    private void CheckSparse(string header)
    {
        var isSparse = Map is not null || RealSize is not null || _major is not null || _minor is not null;
        if (!isSparse && _sparseName is null)
            return;
        if (_major is not (null or "0") && (_major, _minor) != ("1", "0"))
            throw BadArchive.Entry(header,
                $"has the unknown sparse version '{BadArchive.Shorten(_major ?? "")}.{BadArchive.Shorten(_minor ?? "")}'",
                "Use tar without --sparse, or bsdtar with --no-read-sparse.");
        if (RealSize is null || _offset is not null || HasStoredMap == (Map is not null))
            throw BadMap(header);
    }

    private static Api.ApiException BadMap(string header) => BadArchive.Entry(header,
        "belongs to a sparse file, and the map of its holes is incomplete",
        "Use tar without --sparse, or bsdtar with --no-read-sparse.");

    private static bool IsVolume(string key) => key is "GNU.volume.filename" or "GNU.volume.size" or "GNU.volume.offset";

    /// <summary>Names must be UTF-8 in any case. POSIX defines one other value, for names of unknown encoding.</summary>
    private static void CheckCharacterSet(ReadOnlySpan<byte> value, string header)
    {
        if (!value.SequenceEqual("ISO-IR 10646 2000 UTF-8"u8) && !value.SequenceEqual("BINARY"u8))
            throw BadArchive.Entry(header, "is an extended header in another character set; names must be UTF-8", Advice);
    }

    private static long ReadNumber(ReadOnlySpan<byte> value, string header, string field) =>
        !value.IsEmpty && !value.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            && Utf8Parser.TryParse(value, out long number, out var digits) && digits == value.Length
            ? number
            : throw BadArchive.Entry(header, $"is an extended header whose {field} is not a number", Advice);
}
