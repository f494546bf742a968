using System.Net;
using Updraft.Protocol;

namespace Updraft.Agent.Images;

/// <summary>What is to run, in which containers, and what the agent knows to have run before.</summary>
/// <param name="Image">As the cluster writes it.</param>
/// <param name="Before">The image that ran everywhere until now; null when that is not known.</param>
/// <param name="Containers">As in <see cref="KubernetesOptions.Containers"/>.</param>
internal sealed record RolloutTarget(string Image, string? Before, IReadOnlyList<string> Containers);

/// <summary>How going back went at a workload.</summary>
internal enum RestoreOutcome
{
    /// <summary>It has what it had before; the image was never set.</summary>
    NotNeeded,

    /// <summary>What it had is set again.</summary>
    Changed,

    /// <summary>It has another image than before, and keeps it.</summary>
    LeftAlone,
}

/// <summary>The rollout of an image at one workload, and the way back.</summary>
internal sealed class WorkloadRollout(KubernetesApi api, Workload found, RolloutTarget target, PodTroubles troubles, StepLog steps,
    TimeProvider clock)
{
    /// <summary>Controllers change a workload's status all the time, and each such change is a conflict; people do not.</summary>
    private const int MaxConflicts = 10;

    private IReadOnlyList<string> _containers = [];
    private RolloutRecord? _record;
    private string? _missedBefore, _said;
    private bool _isGoingBack, _isUnblocked;

    /// <summary>As the cluster has said last.</summary>
    public Workload Workload { get; private set; } = found;

    /// <summary>Whether there is nothing more to wait for.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Whether the workload does not exist any more, or is none of those any more that were chosen.</summary>
    public bool IsGone { get; private set; }

    /// <summary>What it waits for, in a sentence.</summary>
    public string Summary => $"{Workload.Title}: {_said ?? "not begun"}.{(troubles.Newest(Workload) is { } trouble ? $" {trouble}" : "")}";

    /// <summary>What is written down at the workload. Of a rollout that the agent knows to have succeeded it is only left over.</summary>
    private RolloutRecord? Written => Workload.Record is { } record && record.Image != target.Before ? record : null;

    /// <summary>Takes what the cluster says; null when the workload is gone.</summary>
    public void Observe(Workload? now)
    {
        IsGone = now is null;
        if (now is null)
            Finish("it is gone, or has lost its labels");
        else
            Workload = now;
    }

    /// <summary>Sets the image, unless it is set.</summary>
    public async Task SetAsync(CancellationToken cancellationToken)
    {
        steps.Begin(Workload.Step);
        await ChangeAsync(async () =>
        {
            var chosen = Workload.Choose(target.Containers);
            _containers = [.. chosen.Select(container => container.Name)];
            if (Workload.Runs(_containers, target.Image))
            {
                _record = Written is { } written && written.Image == target.Image ? written : _record;
                steps.Write(Workload.Step, $"{target.Image} is set.");
                return true;
            }
            // Kept before it is asked for, since the answer may get lost. What was begun last and never ran is nothing to go back to.
            _record = new RolloutRecord(target.Image, chosen.ToDictionary(container => container.Name, container =>
                Written is { } written && ImageName.IsSame(container.Image!, written.Image)
                    && written.Before.TryGetValue(container.Name, out var older) ? older : container.Image!, StringComparer.Ordinal));
            var missedBefore = Workload.MissedDeadline;
            var text = string.Join('\n', chosen.Select(container => $"{container.Name}: {container.Image} becomes {target.Image}"));
            var images = _containers.ToDictionary(name => name, _ => target.Image, StringComparer.Ordinal);
            if (await PatchAsync(Workload.Set(images, _record, $"updraft-agent: {target.Image}"), cancellationToken) is not { } now)
                return false;
            (_missedBefore, Workload) = (missedBefore, now);
            steps.Write(Workload.Step, text);
            return true;
        }, cancellationToken);
    }

    /// <summary>Looks how far it is.</summary>
    /// <exception cref="KubernetesException">It does not come to an end: the cluster gave up, or somebody has set another image.</exception>
    public async Task JudgeAsync(CancellationToken cancellationToken)
    {
        if (IsDone)
            return;
        if (!Workload.Runs(_containers, target.Image))
            throw Failed($"somebody else has set {Images(_containers)} meanwhile.");
        var progress = Workload.Progress(_missedBefore);
        if (progress.State == RolloutState.Stuck)
        {
            await troubles.LookAsync([Workload], cancellationToken);
            throw Failed(troubles.Newest(Workload) is { } trouble ? $"{progress.Text} {trouble}" : progress.Text);
        }
        Say(progress);
    }

    /// <summary>What ran before is no longer of interest. Where that cannot be written it is left over, see <see cref="Written"/>.</summary>
    public async Task ForgetAsync(CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(TimeSpan.FromSeconds(30), clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
        try
        {
            if (Workload.Record is not null)
                await PatchAsync(Workload.Forget(), both.Token);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && exception is KubernetesException or OperationCanceledException)
        {
            steps.Write(Workload.Step, $"What ran before stays written down: {exception.Message}");
        }
    }

    /// <summary>Ends the step of a rollout that did not succeed.</summary>
    public void Abort()
    {
        if (!IsDone)
            steps.End(Workload.Step, StepStatus.Failed);
    }

    /// <summary>Gives the workload back what it had. What was never set by an agent, or by somebody else since, is left alone.</summary>
    public async Task<RestoreOutcome> RestoreAsync(CancellationToken cancellationToken)
    {
        (_isGoingBack, var outcome) = (true, RestoreOutcome.NotNeeded);
        if (await api.GetAsync(Workload.Kind, Workload.Name, cancellationToken) is not { } live)
            return RestoreOutcome.NotNeeded;
        Workload = live;
        await ChangeAsync(async () =>
        {
            var record = Written is { } written && written.Image == target.Image ? written : _record;
            if (record is null && !Workload.Runs(Workload.Choose(target.Containers).Select(container => container.Name), target.Image)
                || record?.Before.All(container => Workload.ImageOf(container.Key) == container.Value) == true)
                return true;
            if (record is null || !Workload.Runs(record.Before.Keys, target.Image))
            {
                outcome = RestoreOutcome.LeftAlone;
                Tell(record is null ? "is left alone: what it ran before is not known"
                    : $"is left alone: somebody else has set {Images(record.Before.Keys)} meanwhile");
                return true;
            }
            if (await PatchAsync(Workload.Set(record.Before, null, $"updraft-agent: back from {target.Image}"), cancellationToken) is not { } now)
                return false;
            (Workload, outcome, IsDone, _said) = (now, RestoreOutcome.Changed, false, null);
            Tell($"goes back: {string.Join(", ", record.Before.Select(container => $"{container.Key} to {container.Value}"))}");
            return true;
        }, cancellationToken);
        return outcome;
    }

    /// <summary>Looks how far it is back.</summary>
    /// <param name="isTimeToLook">Whether pods that stand in the way are looked for again.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task JudgeRestoredAsync(bool isTimeToLook, CancellationToken cancellationToken)
    {
        if (IsDone)
            return;
        // A deadline that the cluster tells now is still that of the failure.
        var progress = Workload.Progress(Workload.MissedDeadline);
        Say(progress);
        if (!IsDone && Workload.KeepsBrokenPods && Workload.IsNoticed && (isTimeToLook || !_isUnblocked))
            await UnblockAsync(cancellationToken);
    }

    /// <summary>A StatefulSet replaces no pod before the one that it replaced last is ready, and that one will never be.</summary>
    private async Task UnblockAsync(CancellationToken cancellationToken)
    {
        var isFirst = !_isUnblocked;
        _isUnblocked = true;
        var pods = (await api.ListPodsAsync(Workload.PodSelector, cancellationToken)).Where(pod => !pod.IsReady && troubles.Runs(pod));
        foreach (var name in pods.Select(pod => pod.Name))
        {
            try
            {
                await api.DeletePodAsync(name, cancellationToken);
                Tell($"waits for the pod {name}, which will not get ready: it is deleted");
            }
            catch (KubernetesException exception) when (exception.Status == HttpStatusCode.Forbidden)
            {
                if (isFirst)
                    Tell($"waits for the pod {name}, which will not get ready. Delete it: kubectl -n {api.Space} delete pod {name}. {exception.Message}");
            }
        }
    }

    private Task<Workload?> PatchAsync(string patch, CancellationToken cancellationToken) =>
        api.PatchAsync(Workload.Kind, Workload.Name, patch, cancellationToken);

    /// <summary>Changes the workload; after a conflict it is read again and the change is thought over.</summary>
    private async Task ChangeAsync(Func<Task<bool>> change, CancellationToken cancellationToken)
    {
        var backOff = new BackOff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5), clock);
        while (!await change())
        {
            if (backOff.Failures == MaxConflicts)
                throw new KubernetesException(HttpStatusCode.Conflict, $"{Workload.Title} is changed by others all the time.");
            await backOff.WaitAsync(cancellationToken);
            if (await api.GetAsync(Workload.Kind, Workload.Name, cancellationToken) is not { } live)
            {
                Observe(null);
                return;
            }
            Workload = live;
        }
    }

    private void Say(RolloutProgress progress)
    {
        if (progress.State == RolloutState.Done)
            Finish(progress.Text);
        else if (progress.Text != _said)
            Tell(_said = progress.Text);
    }

    private void Finish(string text)
    {
        IsDone = true;
        Tell(text);
        if (!_isGoingBack)
            steps.End(Workload.Step, StepStatus.Completed);
    }

    private void Tell(string text)
    {
        if (_isGoingBack)
            steps.Write(KubernetesDriver.RestoreStep, $"{Workload.Title}: {text}.");
        else
            steps.Write(Workload.Step, $"{char.ToUpperInvariant(text[0])}{text[1..]}.");
    }

    private KubernetesException Failed(string why)
    {
        steps.Write(Workload.Step, $"{char.ToUpperInvariant(why[0])}{why[1..]}");
        return new KubernetesException(null, $"{Workload.Title}: {why}");
    }

    private string Images(IEnumerable<string> containers) =>
        string.Join(", ", containers.Select(name => Workload.ImageOf(name) ?? "no image").Distinct(StringComparer.Ordinal));
}
