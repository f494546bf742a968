using Updraft.Protocol;
using Updraft.Server.Api;

namespace Updraft.Server.Images;

/// <summary>An image that a deploy of a Deployment named, and whether the registry still has it.</summary>
internal sealed class Image
{
    /// <summary>
    /// Maximum duration of a deletion. One that takes longer was interrupted, because a request to the registry times out much earlier.
    /// </summary>
    public static readonly TimeSpan DeletionTimeout = TimeSpan.FromMinutes(5);

    public required DeploymentId DeploymentId { get; init; }

    /// <summary>E.g. <c>sha256:…</c>. Revisions name images by it.</summary>
    public required string Digest { get; init; }

    /// <summary>Repository as clients name it, without a scheme.</summary>
    public required string Repository { get; init; }

    /// <summary>Empty if the image has no such label.</summary>
    public required string RuntimeVersion { get; init; }

    /// <summary>Empty if the image has no such label.</summary>
    public required string AirflowVersion { get; init; }

    public required IReadOnlyList<string> Architectures { get; init; }

    /// <summary>Digests of the manifests in an index; empty if the image is not an index.</summary>
    public required IReadOnlyList<string> Parts { get; init; }

    /// <summary>Size of a pull, in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>Time of the last deploy with the image.</summary>
    public required DateTimeOffset PinnedAt { get; set; }

    /// <summary>Start of the deletion. From then on, no rollback uses the image.</summary>
    public DateTimeOffset? DeletedAt { get; private set; }

    /// <summary>End of the deletion in the registry.</summary>
    public DateTimeOffset? GoneAt { get; private set; }

    /// <summary>All manifests that are deleted with the image.</summary>
    public IEnumerable<string> Manifests => [Digest, .. Parts];

    /// <summary>Starts or restarts the deletion.</summary>
    public void Delete(DateTimeOffset now) => DeletedAt = now;

    /// <summary>Records that the registry deleted the image.</summary>
    public void MarkDeleted(DateTimeOffset now) => GoneAt = now;

    /// <summary>Removes the mark: the image was pushed again, or the registry rejects deletions.</summary>
    public void Restore() => (DeletedAt, GoneAt) = (null, null);

    /// <summary>Checks that an image that was read from the registry shares no manifest with a deletion that is in progress.</summary>
    /// <exception cref="ApiException">503: a deletion of this image is in progress.</exception>
    public void RejectDuringDeletion(ResolvedImage image)
    {
        if (DeletedAt is not { } began || !Manifests.Intersect(image.Parts.Append(image.Digest), StringComparer.Ordinal).Any())
            return;
        if (GoneAt is { } gone ? gone >= image.ReadAt : began + DeletionTimeout >= image.ReadAt)
        {
            throw new ApiException(ImageErrors.DeletionInProgress,
                $"The image retention is deleting the image {image.Repository}@{image.Digest}. "
                + "The request changed nothing. Push the image and finalize again in a few minutes.");
        }
    }
}
