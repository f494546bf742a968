using System.Buffers;
using Updraft.Server.Api;

namespace Updraft.Server.Storage;

/// <summary>A part of a blob, as a store answers: the bytes from where was asked, the length of the whole blob, and which one it is.</summary>
internal sealed record BlobRange(Stream Body, long BlobLength, string Tag);

/// <summary>Asks a store for a part of a blob; with a tag, for that very one.</summary>
/// <exception cref="FileNotFoundException">There is no such blob.</exception>
/// <exception cref="BlobStoreException">It was replaced, or the store does not answer.</exception>
internal delegate Task<BlobRange> ReadRangeAsync(long start, int count, string? tag, CancellationToken cancellationToken);

/// <summary>
/// Reads a blob by ranges. The first one comes with the opening, which most manifests fit into; whoever reads on gets larger ones, up to
/// 4 MiB, and whoever jumps starts small again. All of them are of one and the same blob. Not safe for concurrent use.
/// </summary>
internal sealed class RangedBlobStream : Stream
{
    private const int SmallestRange = 256 * 1024, LargestRange = 4 * 1024 * 1024, Growth = 4, MaxTries = 4;

    private static readonly TimeSpan RangeTimeout = TimeSpan.FromMinutes(1);

    private readonly ReadRangeAsync _read;
    private readonly TimeProvider _clock;
    private byte[]? _range = ArrayPool<byte>.Shared.Rent(SmallestRange);
    private long _rangeStart;
    private int _rangeCount;
    private long _length;
    private long _position;
    private string? _tag;

    private RangedBlobStream(ReadRangeAsync read, TimeProvider clock) => (_read, _clock) = (read, clock);

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => _length;

    public override long Position
    {
        get => _position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _position = value;
        }
    }

    /// <summary>Opens a blob and reads its first range.</summary>
    /// <exception cref="FileNotFoundException">There is no such blob.</exception>
    public static async Task<Stream> OpenAsync(ReadRangeAsync read, TimeProvider clock, CancellationToken cancellationToken)
    {
        var stream = new RangedBlobStream(read, clock);
        try
        {
            await stream.FillAsync(0, SmallestRange, cancellationToken);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_range is null, this);
        if (buffer.Length == 0 || _position >= _length)
            return 0;
        if (_position < _rangeStart || _position >= _rangeStart + _rangeCount)
        {
            var next = _position == _rangeStart + _rangeCount ? _rangeCount * Growth : SmallestRange;
            await FillAsync(_position, Math.Clamp(Math.Max(next, buffer.Length), SmallestRange, LargestRange), cancellationToken);
        }
        var offset = (int)(_position - _rangeStart);
        var count = Math.Min(buffer.Length, _rangeCount - offset);
        _range.AsMemory(offset, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    // Whoever decompresses reads synchronously.
    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();

    public override int Read(Span<byte> buffer)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(buffer.Length);
        try
        {
            var count = Read(bytes, 0, buffer.Length);
            bytes.AsSpan(0, count).CopyTo(buffer);
            return count;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => _length + offset,
    };

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (_range is { } range)
        {
            _range = null;
            ArrayPool<byte>.Shared.Return(range);
        }
        base.Dispose(disposing);
    }

    private async Task FillAsync(long start, int count, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await TryFillAsync(start, count, cancellationToken);
                return;
            }
            catch (Exception exception) when (exception is IOException and not FileNotFoundException or HttpRequestException or OperationCanceledException
                && !cancellationToken.IsCancellationRequested)
            {
                // A connection that breaks within a body; whatever comes before the body the store's client has tried again.
                if (tries == MaxTries)
                    throw BlobStoreException.Unreachable(exception);
            }
        }
    }

    private async Task TryFillAsync(long start, int count, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(RangeTimeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        _rangeCount = 0;
        var range = await _read(start, count, _tag, either.Token);
        await using var body = range.Body;
        if (_tag is not null && (range.Tag != _tag || range.BlobLength != _length))
            throw BlobStoreException.Replaced(cause: null);
        (_tag, _length) = (range.Tag, range.BlobLength);
        count = (int)Math.Min(count, _length - start);
        if (_range!.Length < count)
        {
            ArrayPool<byte>.Shared.Return(_range);
            _range = ArrayPool<byte>.Shared.Rent(count);
        }
        await body.ReadExactlyAsync(_range.AsMemory(0, count), either.Token);
        (_rangeStart, _rangeCount) = (start, count);
    }
}
