using System.Runtime.InteropServices;

namespace Updraft.Agent;

/// <summary>The libraries of the system that the agent loads at run time. .NET ends the program without a message of its own.</summary>
internal static class SystemLibraries
{
    /// <summary>Names of OpenSSL's library, in the order in which .NET tries them.</summary>
    private static readonly string[] OpenSsl = ["libssl.so.3", "libssl.so.1.1", "libssl.so.1.1.1", "libssl.so.1.0.2", "libssl.so"];

    /// <summary>Reason why the agent cannot run; null if all libraries are present.</summary>
    public static string? Problem(Func<string, bool> canLoad) => Array.Exists(OpenSsl, library => canLoad(library)) ? null
        : "OpenSSL is missing: none of libssl.so.3 and libssl.so.1.1 can be loaded. The agent verifies signatures and connects by https "
            + "with it. Install OpenSSL, for example with 'apt-get install libssl3' or 'apk add libssl3', or use an image that has it.";

    /// <summary>Whether the system's loader finds a library.</summary>
    public static bool CanLoad(string name)
    {
        // The library stays loaded, because .NET loads it again a moment later.
        return NativeLibrary.TryLoad(name, out _);
    }
}
