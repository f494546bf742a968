using System.Runtime.InteropServices;

namespace Updraft.Agent;

/// <summary>The libraries of the system that the agent loads at run time. .NET ends the program without a message of its own.</summary>
internal static class SystemLibraries
{
    /// <summary>Names of OpenSSL's library, in the order in which .NET tries them.</summary>
    private static readonly string[] OpenSsl = ["libssl.so.3", "libssl.so.1.1", "libssl.so.1.1.1", "libssl.so.1.0.2", "libssl.so"];

    /// <summary>Whether OpenSSL can be loaded. It stays loaded, because .NET loads it again a moment later.</summary>
    public static bool HasOpenSsl() => Array.Exists(OpenSsl, library => NativeLibrary.TryLoad(library, out _));

    /// <summary>Reason why the agent cannot run without OpenSSL; null if it can, because it makes no https connection.</summary>
    public static string? ProblemWithoutOpenSsl(AgentOptions options)
    {
        var reason = options.Server.Scheme == "https" ? "--server is an https URL"
            : options.OtlpEndpoint?.Scheme == "https" ? "--otlp-endpoint is an https URL"
            : options.Kubernetes is not null ? "the image driver kubernetes connects by https"
            : null;
        return reason is null ? null : "OpenSSL is missing: neither libssl.so.3 nor libssl.so.1.1 can be loaded, and "
            + $"{reason}. Install OpenSSL, for example with 'apt-get install libssl3', or use an image that has it.";
    }
}
