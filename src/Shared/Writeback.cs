using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Updraft;

/// <summary>
/// Starts to write dirty pages to the disk early, so that a later fsync or syncfs has less to wait for. It does not make anything durable.
/// </summary>
internal static partial class Writeback
{
    private const uint SyncFileRangeWrite = 2;

    /// <summary>
    /// Starts to write the dirty pages of a file, and does not wait. It has no effect if the file system does not support it.
    /// </summary>
    public static void Start(SafeFileHandle file) => _ = NativeSyncFileRange(file, 0, 0, SyncFileRangeWrite);

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int NativeSyncFileRange(SafeFileHandle file, long offset, long length, uint flags);
}
