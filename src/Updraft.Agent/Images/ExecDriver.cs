using Updraft.Protocol;

namespace Updraft.Agent.Images;

/// <summary>
/// Rolls out images with the operator's command, for example with Compose or systemd. The command exits when the image runs. Its
/// environment has <c>UPDRAFT_IMAGE</c>, the reference with the digest if there is one. <c>UPDRAFT_IMAGE_REPOSITORY</c>,
/// <c>UPDRAFT_IMAGE_TAG</c> and <c>UPDRAFT_IMAGE_DIGEST</c> (empty without one) are its parts. <c>UPDRAFT_IMAGE_BEFORE</c> is the
/// earlier reference, or empty if it is unknown. If the command fails, the driver runs it once more with the earlier image.
/// </summary>
internal sealed class ExecDriver(
    string command, string directory, IReadOnlyList<string> passedVariables, TimeSpan limit, TimeProvider clock) : IImageDriver
{
    /// <summary>Names of the steps in reports.</summary>
    public const string Step = "image", RestoreStep = "image-restore";

    public string Name => "exec";

    public async Task RollOutAsync(ImageReference image, ImageReference? before, StepLog steps, CancellationToken cancellationToken)
    {
        var (problem, quote) = await RunAsync(Step, image, before, steps, cancellationToken);
        if (problem is null)
            return;
        if (before is null || before.IsSameAs(image))
            throw new ImageFailedException($"The image {image} does not run: {problem}. There is no earlier image to restore.{quote}");
        var (restoreProblem, _) = await RunAsync(RestoreStep, before, image, steps, cancellationToken);
        throw restoreProblem is null
            ? new ImageFailedException($"The image {image} does not run: {problem}. {before} was restored.{quote}") { IsRestored = true }
            : new ImageFailedException(
                $"The image {image} does not run: {problem}. {before} could not be restored: {restoreProblem}.{quote}");
    }

    private async Task<(string? Problem, string Quote)> RunAsync(string step, ImageReference image, ImageReference? before, StepLog steps,
        CancellationToken cancellationToken)
    {
        var shell = new ShellCommand(command, directory, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["UPDRAFT_IMAGE"] = $"{image}",
            ["UPDRAFT_IMAGE_REPOSITORY"] = image.Repository,
            ["UPDRAFT_IMAGE_TAG"] = image.Tag,
            ["UPDRAFT_IMAGE_DIGEST"] = image.Digest ?? "",
            ["UPDRAFT_IMAGE_BEFORE"] = before is null ? "" : $"{before}",
        }, passedVariables, limit, clock);
        steps.Begin(step);
        steps.Write(step, before is null ? $"Rolling out {image}." : $"Rolling out {image} in place of {before}.");
        string problem, quote = "";
        try
        {
            var result = await shell.RunAsync(line => steps.Write(step, line), cancellationToken);
            if (result.IsGood)
            {
                steps.Write(step, $"{image} runs.");
                steps.End(step, StepStatus.Completed);
                return (null, "");
            }
            (problem, quote) = ($"the command {result.Problem(limit)}", result.Quote());
        }
        catch (IOException exception)
        {
            problem = ErrorReason.Of(exception).TrimEnd('.');
        }
        steps.Write(step, $"{char.ToUpperInvariant(problem[0])}{problem[1..]}.");
        steps.End(step, StepStatus.Failed);
        return (problem, quote);
    }
}
