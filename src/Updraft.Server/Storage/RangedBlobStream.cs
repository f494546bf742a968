using System.Buffers;
using Updraft.Server.Api;

namespace Updraft.Server.Storage;

/// <summary>A part of a blob.</summary>
/// <param name="Body">The requested bytes; may hold fewer at the end of the blob.</param>
/// <param name="BlobLength">Length of the whole blob in bytes.</param>
/// <param name="Tag">Entity tag: changes when the blob is replaced.</param>
internal sealed record BlobRange(Stream Body, long BlobLength, string Tag);

/// <summary>Requests a part of a blob. If <paramref name="tag"/> is not null, the blob must have that tag.</summary>
/// <exception cref="FileNotFoundException">The blob does not exist.</exception>
/// <exception cref="BlobStoreException">The blob was replaced, or the store is unreachable.</exception>
internal delegate Task<BlobRange> ReadRangeAsync(long start, int count, string? tag, CancellationToken cancellationToken);

/// <summary>
/// Reads a blob with range requests. Opening it requests the first 256 KiB, which hold most manifests. Sequential reads request larger
/// ranges, up to 4 MiB; a read after a seek starts small again. All ranges belong to the same state of the blob. Not safe for concurrent
/// use.
/// </summary>
internal sealed class RangedBlobStream : Stream
{
    private const int SmallestRange = 256 * 1024, LargestRange = 4 * 1024 * 1024, Growth = 4, MaxAttempts = 4;

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
    /// <exception cref="FileNotFoundException">The blob does not exist.</exception>
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

    // The zstd decoder of PackReader reads synchronously.
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
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await TryFillAsync(start, count, cancellationToken);
                return;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested
                && exception is IOException and not FileNotFoundException or HttpRequestException or OperationCanceledException)
            {
                // The connection broke inside the body. The client of the store retries all earlier failures itself.
                if (attempt == MaxAttempts)
                    throw BlobStoreException.Unreachable(exception);
            }
        }
    }

    private async Task TryFillAsync(long start, int count, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(RangeTimeout, _clock);
        using var aborted = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        _rangeCount = 0;
        var range = await _read(start, count, _tag, aborted.Token);
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
        await body.ReadExactlyAsync(_range.AsMemory(0, count), aborted.Token);
        (_rangeStart, _rangeCount) = (start, count);
    }
}
