namespace Updraft.Server.Storage;

/// <summary>
/// Checks that an object store accepts writes, for readiness checks every few seconds. Writes cost money, and add versions in a bucket with
/// versioning. So for five minutes after a successful write, the check only reads.
/// </summary>
internal sealed class WriteProbe(TimeProvider clock)
{
    /// <summary>The key that the check writes and reads.</summary>
    public const string Key = "check/write";

    private static readonly TimeSpan WriteInterval = TimeSpan.FromMinutes(5);
    private long _written;

    public async Task RunAsync(Func<Task> write, Func<Task> read)
    {
        var written = Interlocked.Read(ref _written);
        if (written != 0 && clock.GetElapsedTime(written) < WriteInterval)
        {
            await read();
            return;
        }
        await write();
        Interlocked.Exchange(ref _written, clock.GetTimestamp());
    }
}
