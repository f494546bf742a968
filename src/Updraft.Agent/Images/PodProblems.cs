namespace Updraft.Agent.Images;

/// <summary>
/// Writes to the log why pods with an image do not become ready: waiting containers, missing nodes, and warning events. Each reason is
/// written once. No decision depends on it.
/// </summary>
internal sealed class PodProblems(KubernetesApi api, string image, StepLog steps)
{
    private const int MaxText = 300;
    private readonly HashSet<string> _reported = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _latest = new(StringComparer.Ordinal);
    private bool _isDisabled;

    /// <summary>Last problem of a workload; null for none.</summary>
    public string? Latest(Workload workload) => _latest.GetValueOrDefault(workload.Step);

    public async Task InspectAsync(IEnumerable<Workload> workloads, CancellationToken cancellationToken)
    {
        if (_isDisabled)
            return;
        try
        {
            var warnings = await api.ListWarningsAsync(cancellationToken);
            foreach (var workload in workloads)
            {
                var pods = await api.ListPodsAsync(workload.PodSelector, cancellationToken);
                foreach (var pod in pods.Where(HasImage))
                {
                    var warned = warnings.Where(warning => warning.PodUid == pod.Uid).Select(warning => ToProblem(pod, warning));
                    foreach (var problem in pod.Problems.Concat(warned))
                        Report(workload, pod, problem);
                }
            }
        }
        catch (KubernetesException exception)
        {
            _isDisabled = true;
            steps.Write(KubernetesDriver.Step, $"This log will not show why pods do not become ready. {exception.Message}");
        }
    }

    /// <summary>Whether a pod has the new image.</summary>
    public bool HasImage(PodState pod) => pod.Containers.Any(container => container.Image is { } has && ImageName.IsSame(has, image));

    private static PodProblem ToProblem(PodState pod, PodWarning warning)
    {
        // Messages contain the name of the pod. Without it, equal problems of several pods are one problem.
        var message = (warning.Message ?? "").Replace(pod.Uid ?? "-", "", StringComparison.Ordinal)
            .Replace(pod.Name, "the pod", StringComparison.Ordinal);
        return new PodProblem(message, $"{warning.Reason}: {message}");
    }

    private void Report(Workload workload, PodState pod, PodProblem problem)
    {
        if (!_reported.Add($"{workload.Step} {problem.Key}"))
            return;
        var line = $"Pod {pod.Name}: {problem.Text[..Math.Min(problem.Text.Length, MaxText)]}";
        _latest[workload.Step] = line;
        steps.Write(workload.Step, line);
    }
}
