using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Updraft;

/// <summary>
/// Lets the disk begin with what was written, so that the fsync or syncfs that follows finds most of it done. Nothing is promised: what must
/// be durable is still synced.
/// </summary>
internal static partial class Writeback
{
    private const uint Begin = 2;

    /// <summary>Begins to write a file's dirty pages, without waiting for them. Where that is not possible nothing happens.</summary>
    public static void Start(SafeFileHandle file) => _ = NativeSyncFileRange(file, 0, 0, Begin);

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int NativeSyncFileRange(SafeFileHandle file, long offset, long length, uint flags);
}
