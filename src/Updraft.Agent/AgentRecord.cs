using System.Text.Json.Serialization;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>Content of <c>.updraft/agent.json</c>: the enrollment, and the newest state that the agent accepted.</summary>
internal sealed record AgentRecord
{
    public required string InstanceId { get; init; }

    /// <summary>Where the agent ran last; null in records of earlier versions.</summary>
    public AgentIdentity? Identity { get; init; }

    /// <summary>Id that the server gave to the agent; null before the enrollment, like the three values after it.</summary>
    public string? AgentId { get; init; }

    public string? OrganizationId { get; init; }

    public string? DeploymentId { get; init; }

    /// <summary>Pinned key: the server key of the first enrollment, with which the agent verifies states.</summary>
    public PublicKey? SigningKey { get; init; }

    /// <summary>Highest accepted epoch. <see cref="Revision"/> is the highest accepted revision in that epoch.</summary>
    public long Epoch { get; init; }

    public long Revision { get; init; }

    /// <summary>Digest of the mounts of that revision, so that one revision number cannot have two contents.</summary>
    public string? Content { get; init; }

    /// <summary>Image whose rollout succeeded last; null before the first one.</summary>
    public ImageReference? Image { get; init; }

    /// <summary>Driver that rolled out <see cref="Image"/>. For another driver, the running image is unknown.</summary>
    public string? ImageDriver { get; init; }

    /// <summary>Image of a rollout that neither succeeded nor was restored; null if the running image is certain.</summary>
    public ImageReference? UncertainImage { get; init; }

    /// <summary>Revision whose image did not run here; null after the next successful rollout.</summary>
    [JsonPropertyName("givenUp")]
    public AbortedRevision? AbortedRevision { get; init; }
}

/// <summary>A revision that the agent does not retry.</summary>
/// <param name="Epoch">Epoch of the revision.</param>
/// <param name="Revision">Number of the revision.</param>
/// <param name="Reason">Reason of the failure, for the user who deployed.</param>
internal sealed record AbortedRevision(long Epoch, long Revision, string Reason);
