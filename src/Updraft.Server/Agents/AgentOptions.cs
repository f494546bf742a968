using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Agents;

/// <summary>The connection to the agents.</summary>
internal sealed class AgentOptions
{
    public const string Section = "Agents";

    /// <summary>How long an agent counts as live after its last heartbeat.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan LiveFor { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Maximum duration of the long poll with which an agent waits for a new desired state. Keep it below the read timeout of a reverse
    /// proxy.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan MaxWait { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the server keeps an agent after its last heartbeat. An agent that returns later enrolls again.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan RememberFor { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// Maximum number of agents of a Deployment. The server rejects further enrollments, so that one leaked agent token cannot fill the
    /// database.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MaxPerDeployment { get; set; } = 10_000;

    /// <summary>
    /// Epoch of the desired state. Raise it by one after you restored an older database. Agents then accept lower revisions, which they
    /// reject otherwise.
    /// </summary>
    [Range(1, int.MaxValue)]
    public long Epoch { get; set; } = 1;

    /// <summary>Minimum time between two recorded heartbeats of an agent.</summary>
    public TimeSpan HeartbeatInterval => LiveFor / 4;
}
