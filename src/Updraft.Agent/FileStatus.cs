using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Updraft.Agent;

/// <summary>
/// Status of a path by <c>statx(2)</c>, which .NET does not give completely. It never follows a symbolic link. All processors have one
/// layout of the kernel's answer.
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
    private const ulong MountRootAttribute = 0x2000;
    private const int FileTypeMask = 0xf000, RegularFile = 0x8000, ModeMask = 0xfff;

    /// <summary>Returns the status of a path; null if there is none.</summary>
    /// <exception cref="IOException">The path cannot be read.</exception>
    public static FileStatus? Find(string path)
    {
        if (NativeStatx(AtCurrentDirectory, path, NoFollow, BasicStatus, out var status) == 0)
            return new(status.Owner, (UnixFileMode)(status.Mode & ModeMask), (status.Mode & FileTypeMask) == RegularFile, status.Inode,
                (long)status.Size, status.Modified.Nanoseconds, status.Changed.Nanoseconds,
                (ulong)status.DeviceMajor << 32 | status.DeviceMinor,
                (status.SupportedAttributes & MountRootAttribute) == 0 ? null : (status.Attributes & MountRootAttribute) != 0);
        var error = Marshal.GetLastPInvokeError();
        return error is NotFound or NotDirectory
            ? null
            : throw new IOException($"statx of '{path}' failed: {new Win32Exception(error).Message}", error);
    }

    /// <summary>Returns the status of a path.</summary>
    /// <exception cref="IOException">The path is missing or cannot be read.</exception>
    public static FileStatus Of(string path) => Find(path) ?? throw new FileNotFoundException($"'{path}' does not exist.", path);

    /// <summary>Whether another file system, or a bind mount, is mounted at a path.</summary>
    public static bool IsMountPoint(string path) => Find(path) is { } status
        && (status.MountRoot ?? Find(Path.GetDirectoryName(path)!) is { } parent && parent.Device != status.Device);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeStatx(int directory, string path, int flags, uint mask, out NativeStatus status);

    /// <summary>The kernel's <c>struct statx</c>, 256 bytes.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private readonly struct NativeStatus
    {
        [FieldOffset(8)]
        public readonly ulong Attributes;
        [FieldOffset(20)]
        public readonly uint Owner;
        [FieldOffset(28)]
        public readonly ushort Mode;
        [FieldOffset(32)]
        public readonly ulong Inode;
        [FieldOffset(40)]
        public readonly ulong Size;
        [FieldOffset(56)]
        public readonly ulong SupportedAttributes;
        [FieldOffset(96)]
        public readonly NativeTime Changed;
        [FieldOffset(112)]
        public readonly NativeTime Modified;
        [FieldOffset(136)]
        public readonly uint DeviceMajor;
        [FieldOffset(140)]
        public readonly uint DeviceMinor;
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct NativeTime
    {
        private readonly long _seconds;
        private readonly uint _nanoseconds;
        private readonly int _reserved;

        /// <summary>Wraps around for times outside the years 1677 to 2262. The agent only compares it.</summary>
        public long Nanoseconds => unchecked(_seconds * 1_000_000_000 + _nanoseconds);
    }
}
