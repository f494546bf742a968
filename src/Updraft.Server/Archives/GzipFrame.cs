using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace Updraft.Server.Archives;

/// <summary>
/// Exactly one gzip member (RFC 1952) that fills the upload. The platform's gzip reader accepts cut-off streams, further members and
/// garbage after them. So this class uses only its inflater, and verifies header and trailer itself.
/// </summary>
internal sealed class GzipFrame(UploadBuffer upload) : IArchiveFrame
{
    private const int FixedHeader = 10, Trailer = 8, MaxField = 4096;
    private const byte HasHeaderChecksum = 2, HasExtra = 4, HasName = 8, HasComment = 16, KnownFlags = 31;

    private readonly Deflated _deflated = new(upload);
    private DeflateStream? _inflater;
    private readonly Crc32 _checksum = new();
    private long _size;
    private bool _ended;

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_ended)
            return 0;
        if (_inflater is null)
        {
            await SkipHeaderAsync(cancellationToken);
            _inflater = new DeflateStream(_deflated, CompressionMode.Decompress, leaveOpen: true);
        }
        var count = await _inflater.ReadAsync(buffer, cancellationToken);
        if (count == 0)
            await CheckTrailerAsync(cancellationToken);
        _checksum.Append(buffer.Span[..count]);
        _size += count;
        return count;
    }

    public void Dispose() => _inflater?.Dispose();

    private async ValueTask SkipHeaderAsync(CancellationToken cancellationToken)
    {
        await RequireAsync(FixedHeader, cancellationToken);
        var flags = upload.Available.Span[3];
        if (upload.Available.Span[2] != 8 || flags > KnownFlags)
            throw BadArchive.Because("The gzip header names an unknown compression. Pack the archive again.");
        var length = FixedHeader;
        if ((flags & HasExtra) != 0)
        {
            await RequireAsync(length + 2, cancellationToken);
            var extra = BinaryPrimitives.ReadUInt16LittleEndian(upload.Available.Span[length..]);
            if (extra > MaxField)
                throw FieldTooLong();
            length += 2 + extra;
        }
        if ((flags & HasName) != 0)
            length = await SkipTextAsync(length, cancellationToken);
        if ((flags & HasComment) != 0)
            length = await SkipTextAsync(length, cancellationToken);
        if ((flags & HasHeaderChecksum) != 0)
        {
            await RequireAsync(length + 2, cancellationToken);
            var header = upload.Available.Span[..(length + 2)];
            if (BinaryPrimitives.ReadUInt16LittleEndian(header[length..]) != (Crc32.HashToUInt32(header[..length]) & 0xffff))
                throw BadArchive.Because("The checksum of the gzip header is wrong, so the file was damaged on the way. Upload it again.");
            length += 2;
        }
        await RequireAsync(length, cancellationToken);
        upload.Take(length);
    }

    private async ValueTask<int> SkipTextAsync(int start, CancellationToken cancellationToken)
    {
        await upload.FillAsync(start + MaxField + 1, cancellationToken);
        var end = upload.Available.Span[Math.Min(start, upload.Available.Length)..].IndexOf((byte)0);
        if (end > MaxField || (end < 0 && upload.Available.Length > start + MaxField))
            throw FieldTooLong();
        return end >= 0 ? start + end + 1 : throw BadArchive.CutOff("in its gzip header");
    }

    private async ValueTask RequireAsync(int count, CancellationToken cancellationToken)
    {
        if (!await upload.FillAsync(count, cancellationToken))
            throw BadArchive.CutOff("in its gzip header");
    }

    private async ValueTask CheckTrailerAsync(CancellationToken cancellationToken)
    {
        if (_deflated.EndedTooEarly)
            throw BadArchive.CutOff("in the middle of its gzip data");
        if (await upload.FillAsync(Trailer + 1, cancellationToken))
            throw BadArchive.Because("The upload has bytes after the end of the gzip data. Upload one tar archive, packed once.");
        var trailer = upload.Available.Span;
        if (trailer.Length < Trailer)
            throw BadArchive.CutOff("at the end of its gzip data");
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != _checksum.GetCurrentHashAsUInt32()
            || BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]) != (uint)(_size & uint.MaxValue))
            throw BadArchive.Because("The gzip checksum or length is wrong, so the file was damaged on the way. Upload it again.");
        upload.Take(Trailer);
        _ended = true;
    }

    private static Api.ApiException FieldTooLong() =>
        BadArchive.Because($"The gzip header has a field of more than {MaxField} bytes. "
            + "Pack the archive with 'gzip' and no further options.");

    /// <summary>
    /// The bytes between header and trailer. The inflater reads pieces, and does not report how much of the last piece it used. So the
    /// last byte before the trailer is a piece of its own. If the compressed data ends before that byte, the inflater does not read it.
    /// If the data ends after that byte, the inflater reads on, which is <see cref="EndedTooEarly"/>.
    /// </summary>
    private sealed class Deflated(UploadBuffer upload) : Stream
    {
        public bool EndedTooEarly { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (buffer.IsEmpty)
                return 0;
            await upload.FillAsync(Trailer + 2, cancellationToken);
            var beforeLast = upload.Available.Length - Trailer - 1;
            if (beforeLast < 0)
            {
                EndedTooEarly = true;
                return 0;
            }
            var count = Math.Clamp(beforeLast, 1, buffer.Length);
            upload.Available[..count].CopyTo(buffer);
            upload.Take(count);
            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
