using Updraft.Protocol;

namespace Updraft.Server.Agents;

/// <summary>One running data-plane process and what it said last.</summary>
internal sealed class Agent
{
    public required AgentId Id { get; init; }

    public required DeploymentId DeploymentId { get; init; }

    /// <summary>Chosen by the agent, kept in its root; enrolling again with it gives the same agent.</summary>
    public required string InstanceId { get; init; }

    public required string Host { get; set; }

    public required string Component { get; set; }

    public required string AgentVersion { get; set; }

    /// <summary>How it rolls images out; null when it does not.</summary>
    public string? ImageDriver { get; set; }

    public required DateTimeOffset EnrolledAt { get; init; }

    public required DateTimeOffset LastSeenAt { get; set; }

    /// <summary>The revision that <see cref="Phase"/> is about; 0 before the first report.</summary>
    public long Revision { get; set; }

    /// <summary>Null before the first report.</summary>
    public AgentPhase? Phase { get; set; }

    /// <summary>The revision that Airflow sees there; 0 for none.</summary>
    public long ActiveRevision { get; set; }

    /// <summary>What Airflow sees there.</summary>
    public IReadOnlyList<MountReport> Mounts { get; set; } = [];

    /// <summary>The image that runs beside it; null when it rolls out none, or none yet.</summary>
    public ImageReference? Image { get; set; }

    public string? Message { get; set; }

    public DateTimeOffset? ReportedAt { get; set; }
}
