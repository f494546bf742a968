using System.Globalization;

namespace Updraft.Rigs;

/// <summary>
/// I4 and I5 at the agent: reads the mounts repeatedly and resolves the link once for each pass. The watch compares all files with the
/// trees that were deployed together.
/// </summary>
internal sealed class MountWatch : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly Task _watching;
    private readonly string _root;
    private readonly Ledger _ledger;
    private int _highest;

    public MountWatch(string root, Ledger ledger)
    {
        (_root, _ledger) = (root, ledger);
        _ledger.Possible[""] = true;
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>Number of complete passes.</summary>
    public long Reads { get; private set; }

    /// <summary>The first fault; null for none.</summary>
    public string? Fault { get; private set; }

    /// <summary>Waits until the state is mounted, and compares its files.</summary>
    public Task SeesAsync(IReadOnlyDictionary<string, Uploaded> state, Func<string> log)
    {
        var wanted = Ledger.Key(state);
        return Site.EventuallyAsync(() =>
        {
            if (Fault is not null)
                throw new ViolationException("I5", Fault);
            return Task.FromResult(ReadMounts() == wanted);
        }, "agent", () => $"{wanted} is mounted, but {ReadMounts()} is\n{log()}");
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _watching;
        _end.Dispose();
    }

    private async Task WatchAsync()
    {
        while (!_end.IsCancellationRequested && Fault is null)
        {
            try
            {
                var key = ReadMounts();
                if (!_ledger.Possible.ContainsKey(key))
                    throw new ViolationException("I5", $"'{key}' was never deployed together");
                Reads++;
            }
            catch (Exception exception) when (exception is IOException or ViolationException or UnauthorizedAccessException)
            {
                Fault = exception.Message;
            }
            await Task.Delay(20);
        }
    }

    /// <summary>Compares every byte of the mounts; returns the key of their trees, or an empty string if there are no mounts.</summary>
    private string ReadMounts()
    {
        if (Native.RealPath(Path.Join(_root, ".updraft", "current")) is not { } state)
            return "";
        var revision = int.Parse(Path.GetFileName(state).Split('.')[0], CultureInfo.InvariantCulture);
        lock (_end)
        {
            ViolationException.Require(revision >= _highest, "I4", $"revision {revision} is mounted after {_highest}");
            _highest = revision;
        }
        var mounts = Directory.EnumerateFileSystemEntries(state).Where(path => Path.GetFileName(path) is not (".updraft" or "dbt"))
            .Concat(Directory.Exists(Path.Join(state, "dbt")) ? Directory.EnumerateFileSystemEntries(Path.Join(state, "dbt")) : []);
        return Ledger.Key(mounts.Select(mount =>
        {
            var found = FileTree.Read(Native.RealPath(mount) ?? throw new ViolationException("I5", $"{mount} leads nowhere"));
            var stamp = found.TryGetValue(FileTree.StampFile, out var text) ? System.Text.Encoding.UTF8.GetString(text) : "none";
            var difference = _ledger.Trees.TryGetValue(stamp, out var tree) ? tree.Difference(found) : "it was never uploaded";
            ViolationException.Require(difference is null, "I5", $"{mount} with the stamp {stamp}: {difference}");
            return (Path.GetRelativePath(state, mount), stamp);
        }).ToList());
    }
}
