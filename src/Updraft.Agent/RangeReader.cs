using System.Buffers;

namespace Updraft.Agent;

/// <summary>
/// Reads a range that comes over a connection, frame by frame, and never past what was declared. Its reads block and can
/// be cancelled.
/// </summary>
internal sealed class RangeReader(Stream body, long position, Action<int> onRead, CancellationToken cancellationToken) : IDisposable
{
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
    private int _start, _end;

    /// <summary>Where in the pack the next byte stands.</summary>
    public long Position { get; private set; } = position;

    /// <summary>Throws bytes away up to a place.</summary>
    public void SkipTo(long place)
    {
        while (Position < place)
        {
            if (Consume((int)Math.Min(place - Position, _buffer.Length)).IsEmpty)
                throw new InvalidDataException("The pack's range ends too early.");
        }
    }

    /// <summary>The next bytes as a stream that ends after them.</summary>
    public Stream Take(long length) => new Frame(this, length);

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    /// <summary>Some of the next bytes, at most as many as asked for; none at the end. Valid until the next call.</summary>
    private ReadOnlySpan<byte> Consume(int most)
    {
        if (_start == _end)
        {
            _start = 0;
            _end = body.ReadAsync(_buffer, cancellationToken).AsTask().GetAwaiter().GetResult();
            onRead(_end);
        }
        var taken = _buffer.AsSpan(_start, Math.Min(most, _end - _start));
        _start += taken.Length;
        Position += taken.Length;
        return taken;
    }

    private sealed class Frame(RangeReader reader, long length) : Stream
    {
        private long _rest = length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            if (_rest == 0 || buffer.IsEmpty)
                return 0;
            var bytes = reader.Consume((int)Math.Min(buffer.Length, _rest));
            bytes.CopyTo(buffer);
            _rest -= bytes.Length;
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
