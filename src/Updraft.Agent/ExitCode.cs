namespace Updraft.Agent;

/// <summary>How the agent ends. The numbers are those of sysexits.h; the help text lists them.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>An option is missing or wrong.</summary>
    public const int Usage = 64;

    /// <summary>The server refuses the token of an agent that it does not know yet.</summary>
    public const int Refused = 69;

    /// <summary>With <c>--once</c>: the image of the newest revision does not run here.</summary>
    public const int ImageFailed = 70;

    /// <summary>Another agent works on the root.</summary>
    public const int Busy = 75;

    /// <summary>The root cannot be used, or belongs to another Deployment or server key.</summary>
    public const int Configuration = 78;
}

/// <summary>Ends the agent; only an operator can help.</summary>
internal sealed class AgentExitException(int code, string message) : Exception(message)
{
    public int Code { get; } = code;
}

/// <summary>A revision cannot be made true here. The message goes to the server and is read by whoever deployed.</summary>
internal sealed class RevisionRejectedException(string message, Exception? cause = null) : Exception(message, cause);
