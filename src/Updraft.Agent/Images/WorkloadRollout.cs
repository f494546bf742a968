using System.Net;
using Updraft.Protocol;

namespace Updraft.Agent.Images;

/// <summary>Desired image, its containers, and the earlier image.</summary>
/// <param name="Image">Desired image, in the form of Kubernetes.</param>
/// <param name="Before">Image that all workloads had until now; null if it is unknown.</param>
/// <param name="Containers">Names of containers; see <see cref="KubernetesOptions.Containers"/>.</param>
internal sealed record RolloutTarget(string Image, string? Before, IReadOnlyList<string> Containers);

/// <summary>Result of the restore of a workload.</summary>
internal enum RestoreOutcome
{
    /// <summary>The workload has its earlier images, because the new one was never set.</summary>
    NotNeeded,

    /// <summary>The earlier images are set again.</summary>
    Changed,

    /// <summary>The workload keeps an image that differs from the earlier one.</summary>
    Skipped,
}

/// <summary>The rollout of an image to one workload, and its restore.</summary>
internal sealed class WorkloadRollout(KubernetesApi api, Workload found, RolloutTarget target, PodProblems podProblems, StepLog steps,
    TimeProvider clock)
{
    /// <summary>Most conflicts in a row. Each status update by a controller causes one, so a few are normal.</summary>
    private const int MaxConflicts = 10;

    private IReadOnlyList<string> _containers = [];
    private RolloutRecord? _record;
    private string? _missedBefore, _lastText;
    private bool _isRestoring, _isUnblocked;

    /// <summary>The workload as the cluster returned it last.</summary>
    public Workload Workload { get; private set; } = found;

    /// <summary>Whether the agent does not wait for the workload any longer.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Whether the workload was deleted, or no longer has the selected labels.</summary>
    public bool IsMissing { get; private set; }

    /// <summary>Progress and last problem of the workload, in a sentence.</summary>
    public string Summary =>
        $"{Workload.Title}: {_lastText ?? "not started"}.{(podProblems.Latest(Workload) is { } podProblem ? $" {podProblem}" : "")}";

    /// <summary>Stored record of the workload. It ignores a leftover of a rollout that succeeded.</summary>
    private RolloutRecord? StoredRecord => Workload.Record is { } record && record.Image != target.Before ? record : null;

    /// <summary>Updates the workload; null if it was deleted or lost its labels.</summary>
    public void Observe(Workload? now)
    {
        IsMissing = now is null;
        if (now is null)
            Finish("it was deleted, or lost its labels");
        else
            Workload = now;
    }

    /// <summary>Sets the image, unless the workload has it.</summary>
    public async Task SetAsync(CancellationToken cancellationToken)
    {
        steps.Begin(Workload.Step);
        await ChangeAsync(async () =>
        {
            var chosen = Workload.Choose(target.Containers);
            _containers = [.. chosen.Select(container => container.Name)];
            if (Workload.HasImage(_containers, target.Image))
            {
                _record = StoredRecord is { } stored && stored.Image == target.Image ? stored : _record;
                steps.Write(Workload.Step, $"{target.Image} is set.");
                return true;
            }
            // The record is set before the request, because the response can get lost. The image of an interrupted rollout may never have
            // run. So for a container with such an image, the record keeps the image before it.
            _record = new RolloutRecord(target.Image, chosen.ToDictionary(container => container.Name, container =>
                StoredRecord is { } stored && ImageName.IsSame(container.Image!, stored.Image)
                    && stored.Before.TryGetValue(container.Name, out var older) ? older : container.Image!, StringComparer.Ordinal));
            var missedBefore = Workload.MissedDeadline;
            var text = string.Join('\n', chosen.Select(container => $"{container.Name}: {container.Image} becomes {target.Image}"));
            var images = _containers.ToDictionary(name => name, _ => target.Image, StringComparer.Ordinal);
            if (await PatchAsync(Workload.CreatePatch(images, _record, $"updraft-agent: {target.Image}"), cancellationToken) is not { } now)
                return false;
            (_missedBefore, Workload) = (missedBefore, now);
            steps.Write(Workload.Step, text);
            return true;
        }, cancellationToken);
    }

    /// <summary>Checks the progress of the rollout.</summary>
    /// <exception cref="KubernetesException">The rollout exceeded its deadline, or another client set another image.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        if (IsDone)
            return;
        if (!Workload.HasImage(_containers, target.Image))
            throw Fail($"another client has set {Images(_containers)} during the rollout.");
        var progress = Workload.Progress(_missedBefore);
        if (progress.State == RolloutState.Failed)
        {
            await podProblems.InspectAsync([Workload], cancellationToken);
            throw Fail(podProblems.Latest(Workload) is { } podProblem ? $"{progress.Text} {podProblem}" : progress.Text);
        }
        ReportProgress(progress);
    }

    /// <summary>
    /// Removes the record after a success. If the removal fails, the record stays as a leftover, which <see cref="StoredRecord"/> ignores.
    /// </summary>
    public async Task RemoveRecordAsync(CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(TimeSpan.FromSeconds(30), clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
        try
        {
            if (Workload.Record is not null)
                await PatchAsync(Workload.CreateRecordRemoval(), both.Token);
        }
        catch (Exception exception)
            when (!cancellationToken.IsCancellationRequested && exception is KubernetesException or OperationCanceledException)
        {
            steps.Write(Workload.Step, $"The annotation with the earlier images could not be removed: {exception.Message}");
        }
    }

    /// <summary>Ends the step of a rollout that did not succeed.</summary>
    public void Abort()
    {
        if (!IsDone)
            steps.End(Workload.Step, StepStatus.Failed);
    }

    /// <summary>Restores the earlier images. It keeps images that no agent has set, or that another client has set since.</summary>
    public async Task<RestoreOutcome> RestoreAsync(CancellationToken cancellationToken)
    {
        (_isRestoring, var outcome) = (true, RestoreOutcome.NotNeeded);
        if (await api.GetAsync(Workload.Kind, Workload.Name, cancellationToken) is not { } live)
            return RestoreOutcome.NotNeeded;
        Workload = live;
        await ChangeAsync(async () =>
        {
            var record = StoredRecord is { } stored && stored.Image == target.Image ? stored : _record;
            if (record is null && !Workload.HasImage(Workload.Choose(target.Containers).Select(container => container.Name), target.Image)
                || record?.Before.All(container => Workload.ImageOf(container.Key) == container.Value) == true)
                return true;
            if (record is null || !Workload.HasImage(record.Before.Keys, target.Image))
            {
                outcome = RestoreOutcome.Skipped;
                Log(record is null ? "stays as it is: its earlier image is unknown"
                    : $"stays as it is: another client has set {Images(record.Before.Keys)} in the meantime");
                return true;
            }
            var patch = Workload.CreatePatch(record.Before, null, $"updraft-agent: back from {target.Image}");
            if (await PatchAsync(patch, cancellationToken) is not { } now)
                return false;
            (Workload, outcome, IsDone, _lastText) = (now, RestoreOutcome.Changed, false, null);
            Log($"restoring: {string.Join(", ", record.Before.Select(container => $"{container.Key} to {container.Value}"))}");
            return true;
        }, cancellationToken);
        return outcome;
    }

    /// <summary>Checks the progress of the restore.</summary>
    /// <param name="isTimeToInspect">Whether to search for blocking pods again.</param>
    /// <param name="cancellationToken">Aborts the requests to the cluster.</param>
    public async Task CheckRestoredAsync(bool isTimeToInspect, CancellationToken cancellationToken)
    {
        if (IsDone)
            return;
        // A missed deadline that the cluster returns now belongs to the failed rollout.
        var progress = Workload.Progress(Workload.MissedDeadline);
        ReportProgress(progress);
        if (!IsDone && Workload.WaitsForFailedPods && Workload.IsObserved && (isTimeToInspect || !_isUnblocked))
            await UnblockAsync(cancellationToken);
    }

    /// <summary>
    /// Deletes blocking pods. A StatefulSet waits for its last replaced pod, which never becomes ready with the failed image.
    /// </summary>
    private async Task UnblockAsync(CancellationToken cancellationToken)
    {
        var isFirst = !_isUnblocked;
        _isUnblocked = true;
        var pods = (await api.ListPodsAsync(Workload.PodSelector, cancellationToken))
            .Where(pod => !pod.IsReady && podProblems.HasImage(pod));
        foreach (var name in pods.Select(pod => pod.Name))
        {
            try
            {
                await api.DeletePodAsync(name, cancellationToken);
                Log($"waits for the pod {name}, which will not become ready. The agent deleted the pod");
            }
            catch (KubernetesException exception) when (exception.Status == HttpStatusCode.Forbidden)
            {
                if (isFirst)
                    Log($"waits for the pod {name}, which will not become ready. "
                        + $"Delete it: kubectl -n {api.Namespace} delete pod {name}. {exception.Message}");
            }
        }
    }

    private Task<Workload?> PatchAsync(string patch, CancellationToken cancellationToken) =>
        api.PatchAsync(Workload.Kind, Workload.Name, patch, cancellationToken);

    /// <summary>Changes the workload. After a conflict it reads the workload again and repeats the change.</summary>
    /// <exception cref="KubernetesException">There were too many conflicts.</exception>
    private async Task ChangeAsync(Func<Task<bool>> change, CancellationToken cancellationToken)
    {
        var backOff = new BackOff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5), clock);
        while (!await change())
        {
            if (backOff.Failures == MaxConflicts)
                throw new KubernetesException(HttpStatusCode.Conflict,
                    $"Other clients changed {Workload.Title} during each of {MaxConflicts + 1} attempts to change it.");
            await backOff.WaitAsync(cancellationToken);
            if (await api.GetAsync(Workload.Kind, Workload.Name, cancellationToken) is not { } live)
            {
                Observe(null);
                return;
            }
            Workload = live;
        }
    }

    private void ReportProgress(RolloutProgress progress)
    {
        if (progress.State == RolloutState.Done)
            Finish(progress.Text);
        else if (progress.Text != _lastText)
            Log(_lastText = progress.Text);
    }

    private void Finish(string text)
    {
        IsDone = true;
        Log(text);
        if (!_isRestoring)
            steps.End(Workload.Step, StepStatus.Completed);
    }

    private void Log(string text)
    {
        if (_isRestoring)
            steps.Write(KubernetesDriver.RestoreStep, $"{Workload.Title}: {text}.");
        else
            steps.Write(Workload.Step, $"{char.ToUpperInvariant(text[0])}{text[1..]}.");
    }

    private KubernetesException Fail(string reason)
    {
        steps.Write(Workload.Step, $"{char.ToUpperInvariant(reason[0])}{reason[1..]}");
        return new KubernetesException(null, $"{Workload.Title}: {reason}");
    }

    private string Images(IEnumerable<string> containers) =>
        string.Join(", ", containers.Select(name => Workload.ImageOf(name) ?? "no image").Distinct(StringComparer.Ordinal));
}
