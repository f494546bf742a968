using System.Runtime.InteropServices;

namespace Updraft;

/// <summary>
/// The flags of <c>open(2)</c> whose values differ between processors. Source: <c>include/uapi/asm-generic/fcntl.h</c> and
/// <c>arch/arm64/include/uapi/asm/fcntl.h</c> of Linux.
/// </summary>
/// <param name="Directory">O_DIRECTORY: fail unless the path is a directory.</param>
/// <param name="NoFollow">O_NOFOLLOW: fail if the last component of the path is a symbolic link.</param>
internal readonly record struct OpenFlags(int Directory, int NoFollow)
{
    /// <summary>The values for a processor.</summary>
    /// <exception cref="PlatformNotSupportedException">
    /// Any other processor. A wrong value means another flag: on arm64, the values of x64 are O_DIRECT and O_LARGEFILE, and links would
    /// be followed.
    /// </exception>
    public static OpenFlags Of(Architecture processor) => processor switch
    {
        Architecture.X64 => new(Directory: 0x10000, NoFollow: 0x20000),
        Architecture.Arm64 => new(Directory: 0x4000, NoFollow: 0x8000),
        _ => throw new PlatformNotSupportedException($"Updraft does not support the processor {processor}. Run it on x64 or arm64."),
    };
}
