namespace Updraft.Agent;

/// <summary>The version of this build.</summary>
internal static class AgentVersion
{
    /// <summary>Three numbers, e.g. <c>0.1.0</c>.</summary>
    public static string Text { get; } = typeof(AgentVersion).Assembly.GetName().Version!.ToString(3);
}
