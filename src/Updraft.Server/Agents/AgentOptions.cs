using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Agents;

/// <summary>Limits for agents; section <c>Agents</c>.</summary>
internal sealed class AgentOptions
{
    /// <summary>Time after the last heartbeat during which an agent is live; 60 seconds by default.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan LiveFor { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Maximum duration of one long poll, also if the agent requests a longer one; 60 seconds by default.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan MaxWait { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Minimum time before the server forgets an agent without heartbeats; 7 days by default. A forgotten agent enrolls again.
    /// </summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan RememberFor { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// Epoch of the state documents; 1 by default. Raise it after you restore an older database: agents then accept a lower revision, which
    /// they reject otherwise.
    /// </summary>
    [Range(1, int.MaxValue)]
    public long Epoch { get; set; } = 1;

    /// <summary>Minimum time between two stored heartbeats of one agent.</summary>
    public TimeSpan HeartbeatInterval => LiveFor / 4;
}
