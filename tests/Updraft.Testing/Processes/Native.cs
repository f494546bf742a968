using System.Runtime.InteropServices;
using System.Text;

namespace Updraft.Testing;

/// <summary>Calls of the operating system that .NET lacks.</summary>
internal static class Native
{
    public const int Kill = 9, Terminate = 15, Continue = 18, Stop = 19;
    private const int LongestPath = 4096;

    public static void Signal(int process, int signal) => _ = NativeKill(process, signal);

    /// <summary>A path without any link in it; null when it leads nowhere.</summary>
    public static string? RealPath(string path)
    {
        var buffer = new byte[LongestPath];
        return NativeRealPath(Encoding.UTF8.GetBytes(path + '\0'), buffer) == 0
            ? null
            : Encoding.UTF8.GetString(buffer, 0, Array.IndexOf(buffer, (byte)0));
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int NativeKill(int process, int signal);

    [DllImport("libc", EntryPoint = "realpath")]
    private static extern nint NativeRealPath(byte[] path, byte[] resolved);
}
