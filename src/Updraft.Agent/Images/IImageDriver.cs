using Updraft.Protocol;

namespace Updraft.Agent.Images;

/// <summary>
/// Brings an image to run beside the agent. There are two: <c>exec</c> runs a command of the operator's, <c>kubernetes</c> changes
/// workloads of the cluster.
/// </summary>
internal interface IImageDriver
{
    /// <summary>As in <see cref="EnrollRequest.ImageDriver"/>.</summary>
    string Name { get; }

    /// <summary>
    /// Makes an image run and returns when it does. Safe to repeat: what runs already is left alone. What goes wrong is undone as far as
    /// possible before this throws, so that <paramref name="before"/> runs again.
    /// </summary>
    /// <param name="image">What is to run; its digest is what counts, when there is one.</param>
    /// <param name="before">What ran until now; null when that is not known.</param>
    /// <param name="steps">Where to write what happens, as it happens.</param>
    /// <param name="cancellationToken">
    /// A newer revision has come, or the agent ends. What was begun is undone only if that takes no waiting; the next call finds its own way.
    /// </param>
    /// <exception cref="ImageFailedException">The image does not run: command, time limit, cluster.</exception>
    Task RollOutAsync(ImageReference image, ImageReference? before, StepLog steps, CancellationToken cancellationToken);
}

/// <summary>An image could not be brought to run. Trying the same again is the operator's decision.</summary>
internal sealed class ImageFailedException : Exception
{
    /// <param name="message">What was wrong, for whoever deployed.</param>
    /// <param name="cause">Where it came from.</param>
    public ImageFailedException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }

    /// <summary>Whether what ran before runs again. If not, or if that is not known, the next image is rolled out whatever it is.</summary>
    public bool IsRestored { get; init; }
}
