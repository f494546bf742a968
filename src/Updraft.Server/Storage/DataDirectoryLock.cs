using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using Updraft.Server.Api;

namespace Updraft.Server.Storage;

/// <summary>
/// Keeps a second server off the data folder, as long as this one lives: the lock of the file <c>lock</c> in it, which the kernel frees
/// whatever way the process ends.
/// </summary>
internal sealed class DataDirectoryLock(IOptions<ServerOptions> options) : IDisposable
{
    private SafeFileHandle? _handle;

    /// <summary>Takes the lock without waiting.</summary>
    /// <exception cref="IOException">Another server holds it.</exception>
    public void Take()
    {
        var folder = Path.GetFullPath(options.Value.Data);
        var path = Path.Join(folder, "lock");
        Directory.CreateDirectory(folder);
        if (!File.Exists(path))
            File.Create(path).Dispose();
        // Not opened by .NET, which takes a lock of its own on every file.
        var handle = Posix.OpenNoFollow(path);
        if (!Posix.TryLock(handle, path))
        {
            handle.Dispose();
            throw new IOException($"Another server works on '{folder}'. Stop it first, or give this one another --Data.");
        }
        _handle = handle;
    }

    public void Dispose() => _handle?.Dispose();
}
