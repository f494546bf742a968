using System.Buffers;

namespace Updraft.Server.Archives;

/// <summary>
/// The unpacked bytes of an archive, one window at a time. Rejects archives whose unpacked size exceeds the limit. The limit also bounds
/// the work: there is none on the ratio of compression, because generated DAGs compress better than most bombs.
/// </summary>
internal sealed class UnpackedBuffer(UploadBuffer upload, IArchiveFrame frame, ArchiveOptions limits) : IDisposable
{
    private const int Size = 256 * 1024;

    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(Size);
    private int _start, _end;
    private long _unpacked;
    private bool _ended;

    /// <summary>Bytes that are unpacked and not yet taken.</summary>
    public ReadOnlyMemory<byte> Available => _buffer.AsMemory(_start, _end - _start);

    /// <summary>Position in the archive of the first byte of <see cref="Available"/>.</summary>
    public long Position => _unpacked - (_end - _start);

    /// <summary>Unpacks until <paramref name="count"/> bytes (at most 256 KiB) are available; false if the archive ends before.</summary>
    public ValueTask<bool> FillAsync(int count, CancellationToken cancellationToken) =>
        _end - _start >= count ? ValueTask.FromResult(true) : UnpackAsync(count, cancellationToken);

    /// <summary>Removes the first bytes from <see cref="Available"/>.</summary>
    public void Take(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _end - _start);
        _start += count;
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private async ValueTask<bool> UnpackAsync(int count, CancellationToken cancellationToken)
    {
        Available.CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        while (_end < count && !_ended)
        {
            var read = await ReadAsync(_buffer.AsMemory(_end, Size - _end), cancellationToken);
            _end += read;
            _unpacked += read;
            _ended = read == 0;
            CheckLimit();
        }
        return _end >= count;
    }

    private async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await frame.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception exception) when (upload.Failure is null
            && exception is not (Api.ApiException or OperationCanceledException or OutOfMemoryException))
        {
            // Decompressors throw exceptions of many types for damaged data. None of them may become a 500.
            throw BadArchive.Because("The archive's compressed data is damaged. Pack it again and upload all of it.", exception);
        }
    }

    private void CheckLimit()
    {
        if (_unpacked > limits.MaxUnpackedBytes)
            throw BadArchive.Because($"The archive unpacks to more than {limits.MaxUnpackedBytes} bytes. "
                + $"Remove files that Airflow does not need, or raise {ArchiveLimits.MaxUnpackedBytes}.",
                limit: ArchiveLimits.MaxUnpackedBytes);
    }
}
