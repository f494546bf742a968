using Updraft.Protocol;

namespace Updraft.Agent.Images;

/// <summary>
/// Runs a command of the operator's that makes an image run and ends when it does: Compose, systemd, anything. It is told by its
/// environment: <c>UPDRAFT_IMAGE</c> is the reference to run, by digest when there is one; <c>UPDRAFT_IMAGE_REPOSITORY</c>,
/// <c>UPDRAFT_IMAGE_TAG</c> and <c>UPDRAFT_IMAGE_DIGEST</c> (empty without one) are its parts; <c>UPDRAFT_IMAGE_BEFORE</c> is the reference
/// that it replaces, empty when that is not known. When the command fails it is run once more, with what ran before.
/// </summary>
internal sealed class ExecDriver(string command, string folder, TimeSpan limit, TimeProvider clock) : IImageDriver
{
    /// <summary>Names of the steps.</summary>
    public const string Step = "image", RestoreStep = "image-restore";

    public string Name => "exec";

    public async Task RollOutAsync(ImageReference image, ImageReference? before, StepLog steps, CancellationToken cancellationToken)
    {
        var (problem, quote) = await RunAsync(Step, image, before, steps, cancellationToken);
        if (problem is null)
            return;
        if (before is null || before.IsSameAs(image))
            throw new ImageFailedException($"The image {image} does not run: {problem}. There is no other image to go back to.{quote}");
        var (again, _) = await RunAsync(RestoreStep, before, image, steps, cancellationToken);
        throw again is null
            ? new ImageFailedException($"The image {image} does not run: {problem}. {before} was brought back.{quote}") { IsRestored = true }
            : new ImageFailedException($"The image {image} does not run: {problem}. {before} could not be brought back either: {again}.{quote}");
    }

    private async Task<(string? Problem, string Quote)> RunAsync(string step, ImageReference image, ImageReference? before, StepLog steps,
        CancellationToken cancellationToken)
    {
        var shell = new ShellCommand(command, folder, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["UPDRAFT_IMAGE"] = $"{image}",
            ["UPDRAFT_IMAGE_REPOSITORY"] = image.Repository,
            ["UPDRAFT_IMAGE_TAG"] = image.Tag,
            ["UPDRAFT_IMAGE_DIGEST"] = image.Digest ?? "",
            ["UPDRAFT_IMAGE_BEFORE"] = before is null ? "" : $"{before}",
        }, limit, clock);
        steps.Begin(step);
        steps.Write(step, before is null ? $"{image} is to run." : $"{image} is to run instead of {before}.");
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
            problem = exception.Message.TrimEnd('.');
        }
        steps.Write(step, $"{char.ToUpperInvariant(problem[0])}{problem[1..]}.");
        steps.End(step, StepStatus.Failed);
        return (problem, quote);
    }
}
