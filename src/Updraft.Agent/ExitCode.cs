namespace Updraft.Agent;

/// <summary>Exit codes of the agent, with the numbers of sysexits.h. The help text lists them.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>An option is missing or wrong.</summary>
    public const int Usage = 64;

    /// <summary>With <c>--once</c>: the newest revision cannot be used here. The check failed, or a file blocks a mount path.</summary>
    public const int RevisionRejected = 65;

    /// <summary>The server rejects the token, and the root was never enrolled or <c>--once</c> is set.</summary>
    public const int Refused = 69;

    /// <summary>With <c>--once</c>: the image of the newest revision does not run.</summary>
    public const int ImageFailed = 70;

    /// <summary>A library of the system is missing: OpenSSL, which https needs.</summary>
    public const int LibraryMissing = 72;

    /// <summary>Another agent uses the root.</summary>
    public const int Busy = 75;

    /// <summary>The root cannot be used, or it belongs to another Deployment or another server key.</summary>
    public const int Configuration = 78;

    /// <summary>With <c>--once</c>: not done within <c>--once-timeout</c>. The program timeout(1) has this code too.</summary>
    public const int TimedOut = 124;
}

/// <summary>Ends the agent, because it cannot continue without an operator. The message has the next step.</summary>
internal sealed class AgentExitException(int code, string message) : Exception(message)
{
    public int Code { get; } = code;
}

/// <summary>The agent cannot reconcile to a revision. The server shows the message to the user who deployed.</summary>
internal sealed class RevisionRejectedException(string message, Exception? cause = null) : Exception(message, cause);
