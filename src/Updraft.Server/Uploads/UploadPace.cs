using Updraft.Server.Api;

namespace Updraft.Server.Uploads;

/// <summary>
/// Limits how long an upload waits for its client. The first byte of a pipe may come late, and a pipe may pause: the client has
/// <c>Uploads:MaxIdleSeconds</c> for each byte. A client that keeps the connection with single bytes is too slow on average. Time in which
/// the server works does not count.
/// </summary>
internal sealed class UploadPace(UploadOptions options, TimeProvider clock) : IDisposable
{
    private readonly TimeSpan _maxIdle = TimeSpan.FromSeconds(options.MaxIdleSeconds);
    private readonly CancellationTokenSource _idle = new(Timeout.InfiniteTimeSpan, clock);
    private CancellationTokenSource? _linked;
    private TimeSpan _waited;
    private long _bytes;

    /// <summary>Reads from the body of a request.</summary>
    /// <exception cref="ApiException">408: the client was silent for too long, or is too slow on average.</exception>
    public async ValueTask<int> ReadAsync(Stream source, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        _linked ??= CancellationTokenSource.CreateLinkedTokenSource(_idle.Token, cancellationToken);
        var started = clock.GetTimestamp();
        _idle.CancelAfter(_maxIdle);
        try
        {
            var read = await source.ReadAsync(buffer, _linked.Token);
            _bytes += read;
            _waited += clock.GetElapsedTime(started);
            return read > 0 && IsTooSlow() ? throw TooSlow() : read;
        }
        catch (OperationCanceledException) when (_idle.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw BlobError.Of(UploadErrors.UploadTimeout, "OperationTimedOut",
                $"No byte of the upload arrived for {options.MaxIdleSeconds} seconds, after {_bytes} bytes "
                + $"({UploadLimits.MaxIdleSeconds}). Send the request again without such a pause, or raise the setting.", limit: UploadLimits.MaxIdleSeconds);
        }
        finally
        {
            _idle.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        _linked?.Dispose();
        _idle.Dispose();
    }

    private bool IsTooSlow() => _waited > _maxIdle && _bytes < options.MinBytesPerSecond * (_waited - _maxIdle).TotalSeconds;

    private ApiException TooSlow() => BlobError.Of(UploadErrors.UploadTimeout, "OperationTimedOut",
        $"{_bytes} bytes of the upload arrived in {(long)_waited.TotalSeconds} seconds; after {options.MaxIdleSeconds} seconds, an upload "
        + $"needs {options.MinBytesPerSecond} bytes per second on average ({UploadLimits.MinBytesPerSecond}). "
        + "Upload over a faster connection, or lower the setting.", limit: UploadLimits.MinBytesPerSecond);
}
