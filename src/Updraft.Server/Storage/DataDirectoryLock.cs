using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using Updraft.Server.Api;

namespace Updraft.Server.Storage;

/// <summary>
/// Prevents a second server on the same data directory. It locks the file <c>lock</c> in the directory; the kernel releases the lock when
/// the process ends, also after a crash.
/// </summary>
internal sealed class DataDirectoryLock(IOptions<ServerOptions> options) : IDisposable
{
    private SafeFileHandle? _handle;

    /// <summary>Takes the lock. It does not wait.</summary>
    /// <exception cref="IOException">Another server holds the lock.</exception>
    public void Take()
    {
        var directory = Path.GetFullPath(options.Value.Data);
        var path = Path.Join(directory, "lock");
        PrivateDirectory.Create(directory);
        PrivateDirectory.CreateFile(path);
        // Not FileStream: .NET takes a lock of its own on every file that it opens.
        var handle = Posix.OpenNoFollow(path);
        if (!Posix.TryLock(handle, path))
        {
            handle.Dispose();
            throw new IOException($"Another server uses the data directory '{directory}'. "
                + "Stop that server, or start this one with another --Data.");
        }
        _handle = handle;
    }

    public void Dispose() => _handle?.Dispose();
}
