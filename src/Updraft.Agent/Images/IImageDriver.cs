using Updraft.Protocol;

namespace Updraft.Agent.Images;

/// <summary>
/// Rolls out container images. There are two drivers: <c>exec</c> runs the operator's command, and <c>kubernetes</c> changes workloads of
/// the cluster.
/// </summary>
internal interface IImageDriver
{
    /// <summary>Name of the driver, for <see cref="EnrollRequest.ImageDriver"/>.</summary>
    string Name { get; }

    /// <summary>
    /// Rolls out an image, and returns when it runs. The call is idempotent. After a failure it restores <paramref name="before"/> as
    /// far as possible before it throws.
    /// </summary>
    /// <param name="image">Desired image. If it has a digest, the tag is ignored.</param>
    /// <param name="before">Image that runs now; null if it is unknown.</param>
    /// <param name="steps">Receives the steps and their logs as they happen.</param>
    /// <param name="cancellationToken">
    /// Canceled for a newer revision and at the end of the agent. The driver then restores nothing that takes time, so the next call must
    /// handle an interrupted rollout.
    /// </param>
    /// <exception cref="ImageFailedException">The command or the cluster failed, or the time limit passed.</exception>
    Task RollOutAsync(ImageReference image, ImageReference? before, StepLog steps, CancellationToken cancellationToken);
}

/// <summary>An image does not run. The agent does not retry the same revision.</summary>
internal sealed class ImageFailedException : Exception
{
    /// <param name="message">Reason of the failure, for the user who deployed.</param>
    /// <param name="cause">Inner exception; null for none.</param>
    public ImageFailedException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }

    /// <summary>
    /// Whether the earlier image was restored. If not, the running image is uncertain, so the next rollout is never skipped.
    /// </summary>
    public bool IsRestored { get; init; }
}
