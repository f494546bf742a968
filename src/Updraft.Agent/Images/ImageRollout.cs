using Updraft.Protocol;

namespace Updraft.Agent.Images;

/// <summary>
/// Sees that the image of a state runs, by the driver that the operator chose, and remembers what does: a restart rolls out nothing that
/// runs already, and an image that would not run is not tried again for the same revision.
/// </summary>
internal sealed class ImageRollout(IImageDriver? driver, TrustedState memory, AgentLog log, TimeProvider clock)
{
    private const int MaxReason = 2000;

    /// <summary>Whether this agent rolls images out at all.</summary>
    public bool IsOn => driver is not null;

    /// <summary>The image that runs; null when this agent rolls out none, or none yet.</summary>
    public ImageReference? Running => driver is not null && memory.Record.ImageDriver == driver.Name ? memory.Record.Image : null;

    /// <summary>Why a revision is not tried again; null when it may be tried.</summary>
    public string? AbortReason(DesiredState desired) => driver is not null && memory.Record.GivenUp is { } given
        && (given.Epoch, given.Revision) == (desired.Epoch, desired.Revision) ? given.Reason : null;

    /// <summary>Whether <see cref="EnsureAsync"/> has something to do.</summary>
    public bool IsDue(DesiredState desired) =>
        driver is not null && desired.Image is { } wanted && (memory.Record.UncertainImage is not null || !wanted.IsSameAs(Running));

    /// <summary>Makes the state's image run, unless it does. Without a driver, or an image in the state, what runs is left alone.</summary>
    /// <exception cref="ImageFailedException">It does not run; the revision is given up, durably.</exception>
    public async Task EnsureAsync(DesiredState desired, StepLog steps, CancellationToken cancellationToken)
    {
        var (before, wanted) = (Running, desired.Image);
        if (driver is null || wanted is null || !IsDue(desired))
            return;
        // Whatever ends this, the next run knows that it was begun.
        memory.Change(record => record with { UncertainImage = wanted });
        var started = clock.GetTimestamp();
        log.Information("image", ("revision", desired.Revision), ("driver", driver.Name), ("image", wanted), ("before", before));
        try
        {
            await driver.RollOutAsync(wanted, before, steps, cancellationToken);
        }
        catch (ImageFailedException exception)
        {
            var reason = exception.Message[..Math.Min(exception.Message.Length, MaxReason)];
            memory.Change(record => record with
            {
                UncertainImage = exception.IsRestored ? null : record.UncertainImage,
                GivenUp = new AbortedRevision(desired.Epoch, desired.Revision, reason),
            });
            throw;
        }
        memory.Change(record => record with { Image = wanted, ImageDriver = driver.Name, UncertainImage = null, GivenUp = null });
        log.Information("image_runs", ("revision", desired.Revision), ("image", wanted), ("took", clock.GetElapsedTime(started)));
    }
}
