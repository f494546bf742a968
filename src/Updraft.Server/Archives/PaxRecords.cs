using System.Buffers.Text;
using System.Text;

namespace Updraft.Server.Archives;

/// <summary>
/// The extended header (POSIX pax) of the entry that follows it: records of the form <c>LENGTH KEY=VALUE\n</c>. Names and size count.
/// Times, owners and attributes of vendors are ignored, even if they are malformed.
/// </summary>
internal sealed class PaxRecords
{
    private const string Advice = "Pack the archive again with GNU tar.";

    public string? Path { get; private set; }

    public string? Link { get; private set; }

    public long? Size { get; private set; }

    /// <summary>Reads the records of one entry.</summary>
    /// <param name="payload">The content of the extended header.</param>
    /// <param name="header">The name of the extended header, for messages.</param>
    /// <exception cref="Api.ApiException">400: a record is malformed, occurs twice, or is not supported.</exception>
    public static PaxRecords Parse(ReadOnlySpan<byte> payload, string header)
    {
        var records = new PaxRecords();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (!payload.IsEmpty)
        {
            var key = TakeRecord(ref payload, header, out var value);
            if (!seen.Add(key))
                throw BadArchive.Entry(header, $"has the record '{BadArchive.Shorten(key)}' twice", Advice);
            records.Apply(key, value, header);
        }
        return records;
    }

    /// <summary>Checks the records of the whole archive. Only comments and times are allowed.</summary>
    /// <exception cref="Api.ApiException">400: there is another record.</exception>
    public static void CheckGlobal(ReadOnlySpan<byte> payload, string header)
    {
        while (!payload.IsEmpty)
        {
            var key = TakeRecord(ref payload, header, out _);
            if (key is not ("comment" or "mtime" or "atime" or "ctime"))
                throw BadArchive.Entry(header, $"sets '{BadArchive.Shorten(key)}' for the whole archive, "
                    + "which Updraft does not support", Advice);
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
        switch (key)
        {
            case "path":
                Path = ArchivePath.Decode(value);
                break;
            case "linkpath":
                Link = ArchivePath.Decode(value);
                break;
            case "size":
                if (value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9')
                    || !Utf8Parser.TryParse(value, out long size, out var digits) || digits != value.Length)
                    throw BadArchive.Entry(header, "is an extended header whose size is not a number", Advice);
                Size = size;
                break;
            case "hdrcharset":
                throw BadArchive.Entry(header, "is an extended header in another character set; names must be UTF-8", Advice);
            default:
                if (key.StartsWith("GNU.volume.", StringComparison.Ordinal))
                    throw BadArchive.Entry(header, "belongs to a volume of a split archive", "Use tar without --multi-volume.");
                if (key == "GNU.dumpdir")
                    throw BadArchive.Entry(header, "belongs to an incremental dump", "Use tar without --incremental.");
                if (key == "SCHILY.realsize" || key.StartsWith("GNU.sparse.", StringComparison.Ordinal))
                    throw BadArchive.Entry(header, "belongs to a sparse file, which Updraft does not support", "Use tar without --sparse.");
                break;
        }
    }
}
