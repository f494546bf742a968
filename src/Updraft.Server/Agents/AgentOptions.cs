using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Agents;

/// <summary>How agents are kept in contact; section <c>Agents</c>.</summary>
internal sealed class AgentOptions
{
    /// <summary>How long after its last sign of life an agent counts as live; 60 seconds by default.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan LiveFor { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest wait for a new state in one request, whatever the agent asks for; 60 seconds by default.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan MaxWait { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a silent agent is remembered, at least; 7 days by default. It enrols anew when it comes back later.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan RememberFor { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// Epoch of the state documents; 1 by default. Raise it after restoring an older database: agents then accept a
    /// lower revision, which they refuse otherwise.
    /// </summary>
    [Range(1, int.MaxValue)]
    public long Epoch { get; set; } = 1;

    /// <summary>Signs of life closer together than this are not written again.</summary>
    public TimeSpan SeenEvery => LiveFor / 4;
}
