namespace Updraft.Server.Storage;

/// <summary>
/// Whether an object store takes writes, for checks that come every few seconds. A write each time would cost something, and would pile up
/// versions in a bucket that keeps them; so after a success it only reads for a while.
/// </summary>
internal sealed class WriteProbe(TimeProvider clock)
{
    /// <summary>The key that is written and read; no other blob is below it.</summary>
    public const string Key = "check/write";

    private static readonly TimeSpan WriteEvery = TimeSpan.FromMinutes(5);
    private long _written;

    public async Task RunAsync(Func<Task> write, Func<Task> read)
    {
        var written = Interlocked.Read(ref _written);
        if (written != 0 && clock.GetElapsedTime(written) < WriteEvery)
        {
            await read();
            return;
        }
        await write();
        Interlocked.Exchange(ref _written, clock.GetTimestamp());
    }
}
