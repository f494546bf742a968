using Updraft.Protocol;
using Updraft.Server.Api;

namespace Updraft.Server.Images;

/// <summary>An image that a Deployment was to run, and whether the registry still has it.</summary>
internal sealed class Image
{
    /// <summary>A deletion that has not ended by then was broken off; a single request to the registry is given up long before.</summary>
    public static readonly TimeSpan DeletionTakes = TimeSpan.FromMinutes(5);

    public required DeploymentId DeploymentId { get; init; }

    /// <summary>Such as <c>sha256:…</c>: what revisions name.</summary>
    public required string Digest { get; init; }

    /// <summary>Repository as clients see it, without a scheme.</summary>
    public required string Repository { get; init; }

    /// <summary>Empty when the image does not say.</summary>
    public required string RuntimeVersion { get; init; }

    /// <summary>Empty when the image does not say.</summary>
    public required string AirflowVersion { get; init; }

    public required IReadOnlyList<string> Architectures { get; init; }

    /// <summary>Digests of the manifests that an index consists of.</summary>
    public required IReadOnlyList<string> Parts { get; init; }

    /// <summary>What a machine pulls, in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>When a deploy last brought it.</summary>
    public required DateTimeOffset PinnedAt { get; set; }

    /// <summary>When its deletion began; from then on nothing goes back to it.</summary>
    public DateTimeOffset? DeletedAt { get; private set; }

    /// <summary>When the registry had deleted it.</summary>
    public DateTimeOffset? GoneAt { get; private set; }

    /// <summary>Everything that is deleted with it.</summary>
    public IEnumerable<string> Manifests => [Digest, .. Parts];

    /// <summary>Begins the deletion, or begins it again.</summary>
    public void Delete(DateTimeOffset now) => DeletedAt = now;

    /// <summary>The registry has deleted it.</summary>
    public void MarkDeleted(DateTimeOffset now) => GoneAt = now;

    /// <summary>It is in the registry: it was pushed again, or the registry deletes nothing.</summary>
    public void Revive() => (DeletedAt, GoneAt) = (null, null);

    /// <summary>Sees that what was read in the registry is not what is being deleted there at the moment.</summary>
    /// <exception cref="ApiException">503: it is.</exception>
    public void CheckNotInTheWay(ResolvedImage image)
    {
        if (DeletedAt is not { } began || !Manifests.Intersect(image.Parts.Append(image.Digest), StringComparer.Ordinal).Any())
            return;
        if (GoneAt is { } gone ? gone >= image.ReadAt : began + DeletionTakes >= image.ReadAt)
            throw new ApiException(StatusCodes.Status503ServiceUnavailable,
                $"The image {image.Repository}@{image.Digest} is just being deleted because it is too old. Nothing was changed; push it and finalize "
                + "again in a few minutes.");
    }
}
