namespace Updraft.Agent.Images;

/// <summary>
/// Finds out why pods with an image do not get ready, for the log: what their containers wait for, why they are not placed, warnings
/// about them. Each is said once. It helps to understand and decides nothing.
/// </summary>
internal sealed class PodTroubles(KubernetesApi api, string image, StepLog steps)
{
    private const int MaxText = 300;
    private readonly HashSet<string> _said = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _newest = new(StringComparer.Ordinal);
    private bool _isOff;

    /// <summary>What was said last about a workload; null for nothing.</summary>
    public string? Newest(Workload workload) => _newest.GetValueOrDefault(workload.Step);

    public async Task LookAsync(IEnumerable<Workload> workloads, CancellationToken cancellationToken)
    {
        if (_isOff)
            return;
        try
        {
            var warnings = (await api.ListWarningsAsync(cancellationToken)).ToLookup(warning => warning.InvolvedObject?.Uid, StringComparer.Ordinal);
            foreach (var workload in workloads)
            {
                var pods = await api.ListPodsAsync(workload.PodSelector, cancellationToken);
                foreach (var pod in pods.Where(Runs))
                {
                    foreach (var (key, text) in Of(pod, [.. warnings[pod.Metadata!.Uid]]))
                        Say(workload, pod, key, text);
                }
            }
        }
        catch (KubernetesException exception)
        {
            _isOff = true;
            steps.Write(KubernetesDriver.Step, $"Why pods do not get ready will not be seen here. {exception.Message}");
        }
    }

    /// <summary>Whether a pod is of the new image; one that is not tells nothing about it.</summary>
    public bool Runs(PodObject pod) => (pod.Spec?.Containers ?? []).Any(container => container.Image is { } has && ImageName.IsSame(has, image));

    private static IEnumerable<(string Key, string Text)> Of(PodObject pod, IReadOnlyList<EventObject> warnings)
    {
        foreach (var container in (pod.Status?.InitContainerStatuses ?? []).Concat(pod.Status?.ContainerStatuses ?? []))
        {
            // These two are how every pod begins.
            if (container.State?.Waiting is { Reason: { } reason and not ("ContainerCreating" or "PodInitializing") } waiting)
                yield return ($"{container.Name} {reason}", $"{container.Name}: {reason}: {waiting.Message}");
        }
        if (pod.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: "PodScheduled", Status: "False" }) is { } unplaced)
            yield return ($"{unplaced.Message}", $"{unplaced.Reason}: {unplaced.Message}");
        foreach (var warning in warnings)
        {
            // Messages name the pod, and three pods with one trouble are one trouble.
            var message = (warning.Message ?? "").Replace(pod.Metadata!.Uid ?? "-", "", StringComparison.Ordinal)
                .Replace(pod.Metadata.Name!, "the pod", StringComparison.Ordinal);
            yield return (message, $"{warning.Reason}: {message}");
        }
    }

    private void Say(Workload workload, PodObject pod, string key, string text)
    {
        if (!_said.Add($"{workload.Step} {key}"))
            return;
        var line = $"Pod {pod.Metadata!.Name}: {text[..Math.Min(text.Length, MaxText)]}";
        _newest[workload.Step] = line;
        steps.Write(workload.Step, line);
    }
}
