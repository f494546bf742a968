using System.Buffers.Text;

namespace Updraft.Server.Archives;

/// <summary>
/// The segments of a sparse file that are stored in the archive. Zeros fill the rest of the file. Tools store the map in four forms:
/// fields of GNU headers, and three versions of PAX records.
/// </summary>
internal sealed class SparseMap
{
    private const int Field = 12;

    private readonly List<(long Offset, long Length)> _segments = [];
    private long _position, _realSize;
    private int _next;

    /// <summary>
    /// The next run of bytes of the file: a hole, or stored bytes. The length is 0 at the end of the file.
    /// </summary>
    public (long Length, bool IsHole) Run
    {
        get
        {
            while (_next < _segments.Count && _position == _segments[_next].Offset + _segments[_next].Length)
                _next++;
            if (_next == _segments.Count)
                return (_realSize - _position, true);
            var (offset, length) = _segments[_next];
            return _position < offset ? (offset - _position, true) : (offset + length - _position, false);
        }
    }

    /// <summary>Moves on in the file.</summary>
    /// <param name="bytes">At most the length of <see cref="Run"/>.</param>
    public void Advance(long bytes) => _position += bytes;

    public void Add(long offset, long length) => _segments.Add((offset, length));

    /// <summary>
    /// Adds the segments of a GNU header or of the block after it, up to the first blank field. False if a field is malformed.
    /// </summary>
    public bool TryAddFields(ReadOnlySpan<byte> fields)
    {
        for (; fields.Length >= 2 * Field && fields[Field] != 0; fields = fields[(2 * Field)..])
        {
            if (!TarNumber.TryReadSize(fields[..Field], out var offset)
                || !TarNumber.TryReadSize(fields[Field..(2 * Field)], out var length))
                return false;
            Add(offset, length);
        }
        return true;
    }

    /// <summary>Adds the segments of version 0.1: numbers between commas. False if the text is malformed.</summary>
    public bool TryAddList(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            if (!TryTakeNumber(ref text, out var offset) || text.IsEmpty || !TryTakeNumber(ref text, out var length))
                return false;
            Add(offset, length);
        }
        return true;
    }

    /// <summary>
    /// Completes the map. False unless the segments are in order, do not overlap, are inside the file, and have as many bytes as stored.
    /// </summary>
    /// <param name="realSize">Length of the file with its holes, in bytes.</param>
    /// <param name="stored">Length of the stored content, in bytes.</param>
    public bool TryComplete(long realSize, long stored)
    {
        var (end, sum) = (0L, 0L);
        foreach (var (offset, length) in _segments)
        {
            if (offset < end || length < 0 || length > realSize || offset > realSize - length)
                return false;
            end = offset + length;
            sum += length;
        }
        _realSize = realSize;
        return sum == stored;
    }

    private static bool TryTakeNumber(ref ReadOnlySpan<byte> text, out long value)
    {
        if (!Utf8Parser.TryParse(text, out value, out var digits) || value < 0)
            return false;
        text = text[digits..];
        if (text.IsEmpty)
            return true;
        var isSeparated = text[0] == ',';
        text = text[1..];
        return isSeparated;
    }
}
