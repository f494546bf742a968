using System.Buffers;

namespace Updraft.Server.Archives;

/// <summary>The bytes of an upload as received, read ahead in pieces of up to 256 KiB.</summary>
internal sealed class UploadBuffer(Stream upload) : IDisposable
{
    private const int Size = 256 * 1024;

    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(Size);
    private int _start, _end;
    private bool _ended;

    /// <summary>The exception of the upload's own stream; null without one. Then the connection failed, not the archive.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Number of bytes taken so far.</summary>
    public long Taken { get; private set; }

    /// <summary>Bytes that are received and not yet taken.</summary>
    public ReadOnlyMemory<byte> Available => _buffer.AsMemory(_start, _end - _start);

    /// <summary>Reads until <paramref name="count"/> bytes (at most 256 KiB) are available; false if the upload ends before.</summary>
    public ValueTask<bool> FillAsync(int count, CancellationToken cancellationToken) =>
        _end - _start >= count ? ValueTask.FromResult(true) : ReadAsync(count, cancellationToken);

    /// <summary>Removes the first bytes from <see cref="Available"/>.</summary>
    public void Take(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _end - _start);
        _start += count;
        Taken += count;
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private async ValueTask<bool> ReadAsync(int count, CancellationToken cancellationToken)
    {
        Available.CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        while (_end < count && !_ended)
        {
            try
            {
                var read = await upload.ReadAsync(_buffer.AsMemory(_end, Size - _end), cancellationToken);
                _end += read;
                _ended = read == 0;
            }
            catch (Exception exception)
            {
                Failure = exception;
                throw;
            }
        }
        return _end >= count;
    }
}
