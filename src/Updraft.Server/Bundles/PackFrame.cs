namespace Updraft.Server.Bundles;

/// <summary>One content's frame in an open pack, as a stream.</summary>
/// <param name="pack">A seekable stream of the whole pack. Reading moves its position.</param>
/// <param name="offset">First byte of the frame.</param>
/// <param name="length">Bytes of the frame.</param>
/// <param name="leaveOpen">Whether the pack stays open when this stream is disposed, so that other frames can be read.</param>
internal sealed class PackFrame(Stream pack, long offset, long length, bool leaveOpen) : Stream
{
    private long _read;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position { get => _read; set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        pack.Position = offset + _read;
        var count = pack.Read(buffer[..(int)Math.Min(buffer.Length, length - _read)]);
        _read += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask DisposeAsync()
    {
        if (!leaveOpen)
            await pack.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !leaveOpen)
            pack.Dispose();
        base.Dispose(disposing);
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
