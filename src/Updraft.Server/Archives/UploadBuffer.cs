using System.Buffers;

namespace Updraft.Server.Archives;

/// <summary>The bytes of an upload as they come over the wire, read ahead in large pieces.</summary>
internal sealed class UploadBuffer(Stream upload) : IDisposable
{
    private const int Size = 256 * 1024;

    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(Size);
    private int _start, _end;
    private bool _ended;

    /// <summary>What the upload itself failed with: the caller's connection, not the archive, is to blame then.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Bytes taken so far.</summary>
    public long Taken { get; private set; }

    /// <summary>Bytes that are here and not yet taken.</summary>
    public ReadOnlyMemory<byte> Available => _buffer.AsMemory(_start, _end - _start);

    /// <summary>Reads until a number of bytes is available; false when the upload ends before that.</summary>
    public ValueTask<bool> FillAsync(int count, CancellationToken cancellationToken) =>
        _end - _start >= count ? ValueTask.FromResult(true) : ReadAsync(count, cancellationToken);

    /// <summary>Takes bytes out of <see cref="Available"/>.</summary>
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
