using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Updraft.Agent;

/// <summary>
/// Status of a path by <c>statx(2)</c>, which .NET does not give completely. It never follows a symbolic link. The layout of the
/// result is the same on all processors.
/// </summary>
/// <param name="Owner">Id of the owning user.</param>
/// <param name="Mode">Permission bits.</param>
/// <param name="IsRegular">Whether the path is a regular file.</param>
/// <param name="Inode">Number of the inode in its file system.</param>
/// <param name="Size">Length in bytes.</param>
/// <param name="Modified">Time of the last change of the content, in nanoseconds since 1970.</param>
/// <param name="Changed">Time of the last change of content, mode, owner, times or links, in nanoseconds since 1970.</param>
/// <param name="Device">Number of the file system.</param>
/// <param name="MountRoot">Whether the path is a mount point; null if the kernel is older than Linux 5.8.</param>
internal readonly partial record struct FileStatus(
    uint Owner, UnixFileMode Mode, bool IsRegular, ulong Inode, long Size, long Modified, long Changed, ulong Device, bool? MountRoot)
{
    private const int AtCurrentDirectory = -100, NoFollow = 0x100, BasicStatus = 0x7ff, NotFound = 2, NotDirectory = 20;
    private const int StatusSize = 256;
    private const ulong MountRootAttribute = 0x2000;
    private const int FileTypeMask = 0xf000, RegularFile = 0x8000, ModeMask = 0xfff;

    /// <summary>Returns the status of a path; null if there is none.</summary>
    /// <exception cref="IOException">The path cannot be read.</exception>
    public static FileStatus? Find(string path)
    {
        Span<byte> status = stackalloc byte[StatusSize];
        if (NativeStatx(AtCurrentDirectory, path, NoFollow, BasicStatus, ref status[0]) == 0)
        {
            int mode = MemoryMarshal.Read<ushort>(status[28..]);
            var (attributes, supported) = (MemoryMarshal.Read<ulong>(status[8..]), MemoryMarshal.Read<ulong>(status[56..]));
            return new(MemoryMarshal.Read<uint>(status[20..]), (UnixFileMode)(mode & ModeMask), (mode & FileTypeMask) == RegularFile,
                MemoryMarshal.Read<ulong>(status[32..]), MemoryMarshal.Read<long>(status[40..]), Nanoseconds(status[112..]),
                Nanoseconds(status[96..]), MemoryMarshal.Read<ulong>(status[136..]),
                (supported & MountRootAttribute) == 0 ? null : (attributes & MountRootAttribute) != 0);
        }
        var error = Marshal.GetLastPInvokeError();
        return error is NotFound or NotDirectory
            ? null
            : throw new IOException($"statx of '{path}' failed: {new Win32Exception(error).Message}", error);
    }

    /// <exception cref="IOException">The path is missing or cannot be read.</exception>
    public static FileStatus Of(string path) => Find(path) ?? throw new FileNotFoundException($"'{path}' does not exist.", path);

    /// <summary>Whether another file system, or a bind mount, is mounted at a path.</summary>
    public static bool IsMountPoint(string path) => Find(path) is { } status
        && (status.MountRoot ?? Find(Path.GetDirectoryName(path)!) is { } parent && parent.Device != status.Device);

    /// <summary>Reads seconds and nanoseconds. The result wraps around outside the years 1677 to 2262.</summary>
    private static long Nanoseconds(ReadOnlySpan<byte> time) =>
        unchecked(MemoryMarshal.Read<long>(time) * 1_000_000_000 + MemoryMarshal.Read<uint>(time[8..]));

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeStatx(int directory, string path, int flags, uint mask, ref byte status);
}
