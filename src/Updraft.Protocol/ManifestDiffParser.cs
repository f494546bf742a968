using System.Buffers.Text;
using System.Text;

namespace Updraft.Protocol;

/// <summary>
/// Reads a <see cref="ManifestDiff"/> in parts, as they arrive from a connection. So a manifest of 100,000 files needs memory for its
/// entries only, and not for its text.
/// </summary>
public sealed class ManifestDiffParser
{
    /// <summary>Longest line in bytes: a path, a digest, a pack id and numbers.</summary>
    private const int MaxLine = BundlePath.MaxBytes + 1024;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<string> _packs = [], _removed = [];
    private readonly List<ManifestEntry> _added = [];
    private readonly Dictionary<Digest, PackLocation> _locations = [];
    private byte[] _rest = [];
    private int _lines;
    private Digest? _from;
    private Digest _to;

    /// <summary>Reads the next bytes. A line may continue in the next part.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a difference.</exception>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        while (bytes.IndexOf((byte)'\n') is >= 0 and var end)
        {
            if (_rest.Length == 0)
                ParseLine(bytes[..end]);
            else
                ParseLine([.. _rest, .. bytes[..end]]);
            _rest = [];
            bytes = bytes[(end + 1)..];
        }
        if (_rest.Length + bytes.Length > MaxLine)
            throw new InvalidDataException($"A line of the difference has more than {MaxLine} bytes.");
        if (!bytes.IsEmpty)
            _rest = [.. _rest, .. bytes];
    }

    /// <summary>Returns the difference.</summary>
    /// <exception cref="InvalidDataException">The difference is truncated.</exception>
    public ManifestDiff Complete() => _lines >= 3 && _rest.Length == 0
        ? new ManifestDiff(_from, _to, _removed, _added, _locations)
        : throw new InvalidDataException("The difference does not start with 'updraft-diff 1', or it is truncated.");

    private void ParseLine(ReadOnlySpan<byte> line)
    {
        switch (_lines++)
        {
            case 0 when line.SequenceEqual("updraft-diff 1"u8):
                return;
            case 0:
                throw new InvalidDataException("The difference does not start with 'updraft-diff 1', or it is truncated.");
            case 1:
                var from = Field(line, "from "u8);
                _from = from.SequenceEqual("-"u8) ? null : DigestOf(from);
                return;
            case 2:
                _to = DigestOf(Field(line, "to "u8));
                return;
        }
        if (line.StartsWith("pack "u8))
            _packs.Add(TextOf(line[5..]));
        else if (line.StartsWith("- "u8))
            _removed.Add(TextOf(line[2..]));
        else if (line.StartsWith("+ d "u8))
            _added.Add(Manifest.ParseLine(line[2..]));
        else if (line.StartsWith("+ "u8))
            _added.Add(ParseLocated(line[2..]));
        else
            throw NotALine(line);
    }

    private ManifestEntry ParseLocated(ReadOnlySpan<byte> line)
    {
        var rest = line;
        if (TakeNumber(ref rest, out var pack) && pack < _packs.Count && TakeNumber(ref rest, out var offset)
            && TakeNumber(ref rest, out var length))
        {
            var entry = Manifest.ParseLine(rest);
            _locations[entry.Content] = new PackLocation(_packs[(int)pack], offset, length);
            return entry;
        }
        throw NotALine(line);
    }

    private static bool TakeNumber(ref ReadOnlySpan<byte> line, out long number)
    {
        number = 0;
        var space = line.IndexOf((byte)' ');
        if (space <= 0 || line[..space].IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0
            || !Utf8Parser.TryParse(line[..space], out number, out _))
            return false;
        line = line[(space + 1)..];
        return true;
    }

    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name) => line.StartsWith(name)
        ? line[name.Length..]
        : throw new InvalidDataException($"The difference has no line '{Encoding.UTF8.GetString(name).Trim()}'.");

    private static Digest DigestOf(ReadOnlySpan<byte> text) => Digest.TryParse(text, out var digest)
        ? digest
        : throw new InvalidDataException($"'{Encoding.UTF8.GetString(text)}' is not a digest.");

    private static string TextOf(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new InvalidDataException("The difference is not valid UTF-8.", exception);
        }
    }

    private static InvalidDataException NotALine(ReadOnlySpan<byte> line) =>
        new($"'{Encoding.UTF8.GetString(line)}' is not a line of a difference.");
}
