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
            var warnings = await api.ListWarningsAsync(cancellationToken);
            foreach (var workload in workloads)
            {
                var pods = await api.ListPodsAsync(workload.PodSelector, cancellationToken);
                foreach (var pod in pods.Where(Runs))
                {
                    var warned = warnings.Where(warning => warning.PodUid == pod.Uid).Select(warning => Of(pod, warning));
                    foreach (var trouble in pod.Troubles.Concat(warned))
                        Say(workload, pod, trouble);
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
    public bool Runs(PodState pod) => pod.Containers.Any(container => container.Image is { } has && ImageName.IsSame(has, image));

    private static PodTrouble Of(PodState pod, PodWarning warning)
    {
        // Messages name the pod, and three pods with one trouble are one trouble.
        var message = (warning.Message ?? "").Replace(pod.Uid ?? "-", "", StringComparison.Ordinal)
            .Replace(pod.Name, "the pod", StringComparison.Ordinal);
        return new PodTrouble(message, $"{warning.Reason}: {message}");
    }

    private void Say(Workload workload, PodState pod, PodTrouble trouble)
    {
        if (!_said.Add($"{workload.Step} {trouble.Key}"))
            return;
        var line = $"Pod {pod.Name}: {trouble.Text[..Math.Min(trouble.Text.Length, MaxText)]}";
        _newest[workload.Step] = line;
        steps.Write(workload.Step, line);
    }
}
