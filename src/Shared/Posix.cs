using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Updraft;

/// <summary>
/// The system calls that durable writes need, with checked results. .NET 10's own flush reports no failed fsync, its
/// move cannot replace a link to a folder, and it opens no folder to make a rename durable. Every method throws
/// <see cref="IOException"/> with the call, the path and the system's reason.
/// </summary>
internal static partial class Posix
{
    private const int ReadOnly = 0, CloseOnExec = 0x80000;
    private const int AtCurrentFolder = -100;
    private const int LockExclusive = 2, LockNonBlocking = 4, WouldBlock = 11, Exists = 17;

    // Evaluated at each call: an exception of a static initializer would hide its reason.
    private static OpenFlags Flags => OpenFlags.Of(RuntimeInformation.ProcessArchitecture);

    /// <summary>Makes a file's bytes durable.</summary>
    public static void Fsync(SafeFileHandle file, string path)
    {
        if (NativeFsync(file) != 0)
            throw Failure("fsync", path);
    }

    /// <summary>Makes what was created, renamed or removed in a folder durable.</summary>
    public static void FsyncDirectory(string folder)
    {
        using var handle = NativeOpen(folder, ReadOnly | Flags.Directory | CloseOnExec);
        if (handle.IsInvalid)
            throw Failure("open", folder);
        Fsync(handle, folder);
    }

    /// <summary>Makes everything in the file system that holds a folder durable: one call for a tree of thousands of files.</summary>
    public static void SyncFileSystem(string folder)
    {
        using var handle = NativeOpen(folder, ReadOnly | Flags.Directory | CloseOnExec);
        if (handle.IsInvalid)
            throw Failure("open", folder);
        if (NativeSyncfs(handle) != 0)
            throw Failure("syncfs", folder);
    }

    /// <summary>Renames, replacing what is there in one step; works on files, folders and symbolic links.</summary>
    public static void Rename(string from, string to)
    {
        if (NativeRename(from, to) != 0)
            throw Failure("rename", $"{from} -> {to}");
    }

    /// <summary>Gives a file a second name. Neither name may be a symbolic link.</summary>
    public static void HardLink(string existing, string link)
    {
        if (NativeLinkat(AtCurrentFolder, existing, AtCurrentFolder, link, 0) != 0)
            throw Failure("link", $"{existing} -> {link}");
    }

    /// <summary>Gives a file a second name, unless that name is taken.</summary>
    /// <returns>False when it is.</returns>
    public static bool TryHardLink(string existing, string link)
    {
        if (NativeLinkat(AtCurrentFolder, existing, AtCurrentFolder, link, 0) == 0)
            return true;
        return Marshal.GetLastPInvokeError() == Exists ? false : throw Failure("link", $"{existing} -> {link}");
    }

    /// <summary>Opens a regular file for reading without following a symbolic link at its end.</summary>
    public static SafeFileHandle OpenNoFollow(string path)
    {
        var handle = NativeOpen(path, ReadOnly | Flags.NoFollow | CloseOnExec);
        if (!handle.IsInvalid)
            return handle;
        handle.Dispose();
        throw Failure("open", path);
    }

    /// <summary>Takes a file's exclusive lock without waiting; it is freed when the file is closed.</summary>
    /// <returns>False when another open file holds it.</returns>
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

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeRename(string from, string to);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeLinkat(int fromFolder, string from, int toFolder, string to, int flags);
}
