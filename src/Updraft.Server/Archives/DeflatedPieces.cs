namespace Updraft.Server.Archives;

/// <summary>
/// The bytes after a gzip header, in pieces for the inflater. The first pieces have one byte, so that the end of a short member is exact.
/// The last piece stays in the upload until the next read, because its end may belong to the trailer.
/// </summary>
internal sealed class DeflatedPieces(UploadBuffer upload) : Stream
{
    private const int SinglePieces = 32, MaxPiece = 8 * 1024;

    private int _pieces;

    /// <summary>Length of the last piece. The piece is the start of the available bytes of the upload.</summary>
    public int LastPiece { get; private set; }

    /// <summary>Whether the inflater needs more bytes than the upload has.</summary>
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
        upload.Take(LastPiece);
        LastPiece = 0;
        if (!await upload.FillAsync(1, cancellationToken))
        {
            EndedTooEarly = true;
            return 0;
        }
        var most = ++_pieces <= SinglePieces ? 1 : Math.Min(MaxPiece, buffer.Length);
        LastPiece = Math.Min(most, upload.Available.Length);
        upload.Available[..LastPiece].CopyTo(buffer);
        return LastPiece;
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
