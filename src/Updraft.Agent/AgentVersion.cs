namespace Updraft.Agent;

/// <summary>Version of this build, for <c>--version</c>, the log and requests.</summary>
internal static class AgentVersion
{
    /// <summary>Version of three numbers, such as <c>0.1.0</c>.</summary>
    public static string Text { get; } = typeof(AgentVersion).Assembly.GetName().Version!.ToString(3);
}
