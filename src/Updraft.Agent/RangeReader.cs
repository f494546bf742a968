using System.Buffers;

namespace Updraft.Agent;

/// <summary>
/// Reads a range of a pack from a connection, frame by frame, and never past the declared length of a frame. Its reads block and can
/// be canceled.
/// </summary>
internal sealed class RangeReader(Stream body, long position, Action<int> onRead, CancellationToken cancellationToken) : IDisposable
{
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
    private int _start, _end;

    /// <summary>Offset of the next byte in the pack.</summary>
    public long Position { get; private set; } = position;

    /// <summary>Discards bytes up to an offset in the pack.</summary>
    /// <exception cref="InvalidDataException">The range ends before the offset.</exception>
    public void SkipTo(long offset)
    {
        while (Position < offset)
        {
            if (Consume((int)Math.Min(offset - Position, _buffer.Length)).IsEmpty)
                throw new InvalidDataException($"The range of the pack ends at {Position}, before the next frame at {offset}.");
        }
    }

    /// <summary>Returns the next bytes as a stream that ends after them.</summary>
    public Stream Take(long length) => new Frame(this, length);

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    /// <summary>Returns some of the next bytes; none at the end of the range. They are valid until the next call.</summary>
    private ReadOnlySpan<byte> Consume(int maxBytes)
    {
        if (_start == _end)
        {
            _start = 0;
            _end = body.ReadAsync(_buffer, cancellationToken).AsTask().GetAwaiter().GetResult();
            onRead(_end);
        }
        var taken = _buffer.AsSpan(_start, Math.Min(maxBytes, _end - _start));
        _start += taken.Length;
        Position += taken.Length;
        return taken;
    }

    private sealed class Frame(RangeReader reader, long length) : Stream
    {
        private long _remaining = length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            if (_remaining == 0 || buffer.IsEmpty)
                return 0;
            var bytes = reader.Consume((int)Math.Min(buffer.Length, _remaining));
            bytes.CopyTo(buffer);
            _remaining -= bytes.Length;
            return bytes.Length;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
