using Microsoft.Extensions.Options;

namespace Updraft.Server.Uploads;

/// <summary>Bounds the uploads in flight, and with them the memory and the disk bandwidth that they can take.</summary>
internal sealed class UploadGate(IOptions<UploadOptions> options)
{
    private int _inside;

    /// <summary>Takes a place until the result is disposed; null when none is free.</summary>
    public IDisposable? TryEnter()
    {
        if (Interlocked.Increment(ref _inside) <= options.Value.MaxConcurrent)
            return new Place(this);
        Interlocked.Decrement(ref _inside);
        return null;
    }

    private sealed class Place(UploadGate gate) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
                Interlocked.Decrement(ref gate._inside);
        }
    }
}
