using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace Updraft.Server.Archives;

/// <summary>
/// The members of a gzip file (RFC 1952). The platform's gzip reader accepts truncated data and ignores bytes after it. So this class uses
/// only its inflater, and verifies headers and trailers itself.
/// </summary>
internal sealed class GzipFrame(UploadBuffer upload) : IArchiveFrame
{
    private const int Trailer = 8;

    private readonly PackedParts _members = new(upload, "gzip");
    private readonly Crc32 _checksum = new();
    private DeflatedPieces? _pieces;
    private DeflateStream? _inflater;
    private long _size;
    private bool _ended;

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!_ended)
        {
            if (_inflater is null)
                await BeginMemberAsync(cancellationToken);
            var count = await _inflater!.ReadAsync(buffer, cancellationToken);
            if (count > 0)
            {
                _checksum.Append(buffer.Span[..count]);
                _size += count;
                _members.Count(count);
                return count;
            }
            await EndMemberAsync(cancellationToken);
        }
        return 0;
    }

    public void Dispose() => _inflater?.Dispose();

    private static bool IsStart(ReadOnlyMemory<byte> bytes) => bytes.Span is [0x1f, 0x8b, ..];

    private async ValueTask BeginMemberAsync(CancellationToken cancellationToken)
    {
        _members.Begin();
        await GzipHeader.SkipAsync(upload, cancellationToken);
        _pieces = new(upload);
        _inflater = new DeflateStream(_pieces, CompressionMode.Decompress, leaveOpen: true);
        _checksum.Reset();
        _size = 0;
    }

    private async ValueTask EndMemberAsync(CancellationToken cancellationToken)
    {
        if (_pieces!.EndedTooEarly)
            throw BadArchive.CutOff("in the middle of its gzip data");
        await SkipTrailerAsync(_pieces.LastPiece, cancellationToken);
        await _inflater!.DisposeAsync();
        _inflater = null;
        _ended = !await _members.ContinuesAsync(IsStart, cancellationToken);
    }

    /// <summary>
    /// Finds the end of the deflated data, and skips it with the trailer. The inflater does not report how much of its last piece it used.
    /// But checksum and size of the output are known, and so are the eight bytes of the trailer. They must occur exactly once.
    /// </summary>
    private async ValueTask SkipTrailerAsync(int lastPiece, CancellationToken cancellationToken)
    {
        var isComplete = await upload.FillAsync(lastPiece + Trailer, cancellationToken);
        var expected = new byte[Trailer];
        BinaryPrimitives.WriteUInt32LittleEndian(expected, _checksum.GetCurrentHashAsUInt32());
        BinaryPrimitives.WriteUInt32LittleEndian(expected.AsSpan(4), (uint)(_size & uint.MaxValue));
        var region = upload.Available.Span[..Math.Min(lastPiece + Trailer, upload.Available.Length)];
        // Without output, the trailer is zeros. The inflater has used all of a piece of one byte then, because it had no output to flush.
        var start = _size == 0 && lastPiece == 1 ? 1 : 0;
        var at = region[start..].IndexOf(expected);
        if (at < 0)
        {
            throw isComplete
                ? BadArchive.Because("The gzip checksum or length is wrong, so the file was damaged on the way. Upload it again.")
                : BadArchive.CutOff("at the end of its gzip data");
        }
        if (region[(start + at + 1)..].IndexOf(expected) >= 0)
            throw BadArchive.Because("The end of the gzip data is ambiguous. Pack the archive again with gzip.");
        upload.Take(start + at + Trailer);
    }
}
