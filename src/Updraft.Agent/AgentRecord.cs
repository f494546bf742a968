using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>What an agent keeps of its enrolment and of the states that it accepted.</summary>
internal sealed record AgentRecord
{
    public required string InstanceId { get; init; }

    /// <summary>Null until enrolled, like everything that the enrolment brings.</summary>
    public string? AgentId { get; init; }

    public string? OrganizationId { get; init; }

    public string? DeploymentId { get; init; }

    /// <summary>The key that signs states, from the first enrolment.</summary>
    public PublicKey? SigningKey { get; init; }

    /// <summary>Highest epoch that was accepted, and within it the highest revision.</summary>
    public long Epoch { get; init; }

    public long Revision { get; init; }

    /// <summary>Digest of that revision's mounts: one number never means two things.</summary>
    public string? Content { get; init; }

    /// <summary>The image that runs; written when its rollout has succeeded. Null when none was rolled out.</summary>
    public ImageReference? Image { get; init; }

    /// <summary>The driver that brought <see cref="Image"/> to run; another one knows nothing of it.</summary>
    public string? ImageDriver { get; init; }

    /// <summary>The image whose rollout was begun and neither succeeded nor was undone: what runs is uncertain then.</summary>
    public ImageReference? UncertainImage { get; init; }

    /// <summary>The revision whose image did not run here, until another is carried out.</summary>
    public AbortedRevision? GivenUp { get; init; }
}

/// <summary>A revision that is not tried again.</summary>
/// <param name="Epoch">Its epoch.</param>
/// <param name="Revision">Its number.</param>
/// <param name="Reason">What went wrong, for whoever deployed.</param>
internal sealed record AbortedRevision(long Epoch, long Revision, string Reason);
