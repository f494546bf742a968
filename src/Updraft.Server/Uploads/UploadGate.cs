using Microsoft.Extensions.Options;

namespace Updraft.Server.Uploads;

/// <summary>Limits the concurrent uploads, and thereby their memory and disk bandwidth.</summary>
internal sealed class UploadGate(IOptions<UploadOptions> options)
{
    private int _entered;

    /// <summary>Enters until the caller disposes the result; null if the limit is reached.</summary>
    public IDisposable? TryEnter()
    {
        if (Interlocked.Increment(ref _entered) <= options.Value.MaxConcurrent)
            return new Entry(this);
        Interlocked.Decrement(ref _entered);
        return null;
    }

    private sealed class Entry(UploadGate gate) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
                Interlocked.Decrement(ref gate._entered);
        }
    }
}
