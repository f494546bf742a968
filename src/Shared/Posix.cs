using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Updraft;

/// <summary>
/// The system calls that durable writes need. .NET 10 does not report a failed fsync, and its move cannot replace a link to a directory.
/// It also cannot open a directory to make a rename durable. Every method throws <see cref="IOException"/> with the call, the path and
/// the system's reason.
/// </summary>
internal static partial class Posix
{
    private const int ReadOnly = 0, ReadWrite = 2, CloseOnExec = 0x80000;
    private const int AtCurrentDirectory = -100;
    private const int MayReadWriteAndEnter = 7, EffectiveIds = 0x200, PermissionDenied = 13, NotPermitted = 1, NotOpenForThis = 9;
    private const int SetDumpable = 4;
    private const int LockExclusive = 2, LockNonBlocking = 4, WouldBlock = 11, Exists = 17;

    // Evaluated at each call: an exception of a static initializer would hide its reason.
    private static OpenFlags Flags => OpenFlags.Of(RuntimeInformation.ProcessArchitecture);

    /// <summary>Makes the content of a file durable.</summary>
    public static void Fsync(SafeFileHandle file, string path)
    {
        if (NativeFsync(file) != 0)
            throw Failure("fsync", path);
    }

    /// <summary>Makes the entries of a directory durable: created, renamed and deleted names.</summary>
    public static void FsyncDirectory(string directory)
    {
        using var handle = NativeOpen(directory, ReadOnly | Flags.Directory | CloseOnExec);
        if (handle.IsInvalid)
            throw Failure("open", directory);
        Fsync(handle, directory);
    }

    /// <summary>Makes the whole file system of a directory durable: one call instead of one fsync for each of thousands of files.</summary>
    public static void SyncFileSystem(string directory)
    {
        using var handle = NativeOpen(directory, ReadOnly | Flags.Directory | CloseOnExec);
        if (handle.IsInvalid)
            throw Failure("open", directory);
        if (NativeSyncfs(handle) != 0)
            throw Failure("syncfs", directory);
    }

    /// <summary>Renames a file, directory or symbolic link, and atomically replaces an existing target.</summary>
    public static void Rename(string from, string to)
    {
        if (NativeRename(from, to) != 0)
            throw Failure("rename", $"{from} -> {to}");
    }

    /// <summary>Creates a hard link. Neither path may be a symbolic link.</summary>
    public static void HardLink(string existing, string link)
    {
        if (NativeLinkat(AtCurrentDirectory, existing, AtCurrentDirectory, link, 0) != 0)
            throw Failure("link", $"{existing} -> {link}");
    }

    /// <summary>Creates a hard link, unless its path exists.</summary>
    /// <returns>False if the path exists.</returns>
    public static bool TryHardLink(string existing, string link)
    {
        if (NativeLinkat(AtCurrentDirectory, existing, AtCurrentDirectory, link, 0) == 0)
            return true;
        return Marshal.GetLastPInvokeError() == Exists ? false : throw Failure("link", $"{existing} -> {link}");
    }

    /// <summary>Opens a regular file for reading. Fails if the last component of the path is a symbolic link.</summary>
    public static SafeFileHandle OpenNoFollow(string path)
    {
        var handle = NativeOpen(path, ReadOnly | Flags.NoFollow | CloseOnExec);
        if (!handle.IsInvalid)
            return handle;
        handle.Dispose();
        throw Failure("open", path);
    }

    /// <summary>
    /// Opens a file and takes its exclusive lock. It does not wait. NFSv4 locks only files that are open for writing. Other file systems
    /// lock each open file, and an open file for writing would prevent a remount as read-only.
    /// </summary>
    /// <returns>The open file, which holds the lock; null if another open file holds it.</returns>
    public static SafeFileHandle? OpenLocked(string path)
    {
        var handle = OpenNoFollow(path);
        if (NativeFlock(handle, LockExclusive | LockNonBlocking) != 0 && Marshal.GetLastPInvokeError() == NotOpenForThis)
        {
            handle.Dispose();
            handle = NativeOpen(path, ReadWrite | Flags.NoFollow | CloseOnExec);
            if (handle.IsInvalid)
                throw Failure("open", path);
        }
        if (TryLock(handle, path))
            return handle;
        handle.Dispose();
        return null;
    }

    /// <summary>Id of the user with whose rights this process works.</summary>
    public static uint EffectiveUser => NativeGetEffectiveUser();

    /// <summary>
    /// Hides the memory and the environment of this process from other processes of the same user. Without it, they can read
    /// <c>/proc/PID/environ</c>. A program that this process starts is visible again.
    /// </summary>
    public static void HideMemory()
    {
        if (NativeControl(SetDumpable, 0, 0, 0, 0) != 0)
            throw Failure("prctl", "PR_SET_DUMPABLE");
    }

    /// <summary>Whether the permissions let this process read, write and enter a directory. A read-only disk counts as permitted.</summary>
    public static bool MayUse(string directory) =>
        NativeAccess(AtCurrentDirectory, directory, MayReadWriteAndEnter, EffectiveIds) == 0
        || Marshal.GetLastPInvokeError() is not (PermissionDenied or NotPermitted);

    /// <summary>Takes the exclusive lock of a file. It does not wait. Closing the file releases the lock.</summary>
    /// <returns>False if another open file holds the lock.</returns>
    public static bool TryLock(SafeFileHandle file, string path)
    {
        if (NativeFlock(file, LockExclusive | LockNonBlocking) == 0)
            return true;
        return Marshal.GetLastPInvokeError() == WouldBlock ? false : throw Failure("flock", path);
    }

    private static IOException Failure(string call, string path)
    {
        var error = Marshal.GetLastPInvokeError();
        var text = $"{call} of '{path}' failed: {new Win32Exception(error).Message}";
        return error == 2 ? new FileNotFoundException(text, path) : new IOException(text, error);
    }

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int NativeFsync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int NativeSyncfs(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle NativeOpen(string path, int flags);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int NativeFlock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int NativeControl(int option, nuint second, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint NativeGetEffectiveUser();

    [LibraryImport("libc", EntryPoint = "faccessat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeAccess(int directory, string path, int mode, int flags);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeRename(string from, string to);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeLinkat(int fromDirectory, string from, int toDirectory, string to, int flags);
}
