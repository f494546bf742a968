using Updraft.Protocol;

namespace Updraft.Agent.Images;

/// <summary>
/// Rolls out the image of a state with the image driver, and stores the result. So a restart does not repeat a successful rollout, and a
/// failed rollout is not repeated for the same revision.
/// </summary>
internal sealed class ImageRollout(IImageDriver? driver, TrustedState trustedState, AgentLog log, TimeProvider clock)
{
    private const int MaxReason = 2000;

    /// <summary>Whether the agent has an image driver.</summary>
    public bool IsEnabled => driver is not null;

    /// <summary>Image that the agent rolled out last; null without an image driver or before the first rollout.</summary>
    public ImageReference? Running =>
        driver is not null && trustedState.Record.ImageDriver == driver.Name ? trustedState.Record.Image : null;

    /// <summary>Reason why the agent does not retry a revision; null if it can try.</summary>
    public string? AbortReason(DesiredState desired) => driver is not null && trustedState.Record.AbortedRevision is { } aborted
        && (aborted.Epoch, aborted.Revision) == (desired.Epoch, desired.Revision) ? aborted.Reason : null;

    /// <summary>Whether <see cref="EnsureAsync"/> would roll out an image.</summary>
    public bool IsDue(DesiredState desired) =>
        driver is not null && desired.Image is { } wanted && (trustedState.Record.UncertainImage is not null || !wanted.IsSameAs(Running));

    /// <summary>Rolls out the image of a state, if it has one that differs from the running one, and if there is a driver.</summary>
    /// <exception cref="ImageFailedException">The image does not run. The agent has durably aborted the revision.</exception>
    public async Task EnsureAsync(DesiredState desired, StepLog steps, CancellationToken cancellationToken)
    {
        var (before, wanted) = (Running, desired.Image);
        if (driver is null || wanted is null || !IsDue(desired))
            return;
        // The record is durable before the rollout starts, so that the next run detects an interrupted rollout.
        trustedState.Change(record => record with { UncertainImage = wanted });
        var started = clock.GetTimestamp();
        log.Information("image_rollout_started",
            ("revision", desired.Revision), ("driver", driver.Name), ("image", wanted), ("before", before));
        try
        {
            await driver.RollOutAsync(wanted, before, steps, cancellationToken);
        }
        catch (ImageFailedException exception)
        {
            var reason = exception.Message[..Math.Min(exception.Message.Length, MaxReason)];
            trustedState.Change(record => record with
            {
                UncertainImage = exception.IsRestored ? null : record.UncertainImage,
                AbortedRevision = new AbortedRevision(desired.Epoch, desired.Revision, reason),
            });
            throw;
        }
        trustedState.Change(record => record with
        {
            Image = wanted,
            ImageDriver = driver.Name,
            UncertainImage = null,
            AbortedRevision = null,
        });
        log.Information("image_rolled_out", ("revision", desired.Revision), ("image", wanted), ("took", clock.GetElapsedTime(started)));
    }
}
