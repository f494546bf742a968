using Updraft.Protocol;

namespace Updraft.Agent.Images;

/// <summary>
/// Rolls out an image in a Kubernetes cluster. It changes the workloads that the options select, in one namespace:
/// <list type="number">
/// <item>Find the Deployments and StatefulSets of the selector, and their containers that get the image.</item>
/// <item>Set the image where it differs. The same patch stores the earlier images in an annotation of the workload.</item>
/// <item>Wait until the cluster has replaced the pods.</item>
/// <item>Remove the annotations.</item>
/// </list>
/// After a failure, even after a restart during the rollout, each workload gets its earlier images back, unless another client changed it
/// in the meantime. The workloads' own update strategy decides how the cluster replaces pods.
/// </summary>
internal sealed class KubernetesDriver(
    KubernetesConnection connection, string namespaceName, KubernetesOptions options, TimeSpan limit, TimeProvider clock)
    : IImageDriver
{
    /// <summary>Names of the steps in reports. Each workload has its own step below the first one.</summary>
    public const string Step = "image", RestoreStep = "image-restore";

    public string Name => ImageDrivers.Kubernetes;

    /// <summary>
    /// How long the driver waits for the restored pods. The images are set by then, and the user who deployed needs the result soon.
    /// </summary>
    public TimeSpan RestoreLimit { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Creates the driver for the cluster of the agent's pod.</summary>
    /// <param name="options">Workloads to change.</param>
    /// <param name="limit">Time limit of a rollout.</param>
    /// <param name="environment">Returns the value of an environment variable; null if it is not set.</param>
    /// <param name="clock">Clock for time limits and pauses.</param>
    /// <exception cref="AgentExitException">The agent does not run in a pod, or its namespace is unknown.</exception>
    public static KubernetesDriver Create(KubernetesOptions options, TimeSpan limit, Func<string, string?> environment, TimeProvider clock)
    {
        var connection = KubernetesConnection.InPod(environment);
        var namespaceName = options.Namespace ?? connection.Namespace()
            ?? throw new AgentExitException(ExitCode.Configuration,
                $"'{connection.Directory}/namespace' does not name the pod's namespace. Set --kube-namespace.");
        return new KubernetesDriver(connection, namespaceName, options, limit, clock);
    }

    public async Task RollOutAsync(ImageReference image, ImageReference? before, StepLog steps, CancellationToken cancellationToken)
    {
        var target = new RolloutTarget(ImageName.Of(image), before is null ? null : ImageName.Of(before), options.Containers);
        steps.Begin(Step);
        try
        {
            using var api = new KubernetesApi(connection, namespaceName, text => steps.Write(Step, text), clock);
            await RollOutAsync(api, target, steps, cancellationToken);
        }
        catch (KubernetesException exception)
        {
            throw Fail(target, exception.Message, isRestored: false, steps);
        }
        steps.Write(Step, $"{target.Image} runs.");
        steps.End(Step, StepStatus.Completed);
    }

    private async Task RollOutAsync(KubernetesApi api, RolloutTarget target, StepLog steps, CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(limit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
        var podProblems = new PodProblems(api, target.Image, steps);
        IReadOnlyList<WorkloadRollout> rollouts = [];
        string problem;
        try
        {
            // :: Step 1
            rollouts = [.. (await FindAsync(api, steps, both.Token)).Select(workload =>
                new WorkloadRollout(api, workload, target, podProblems, steps, clock))];
            steps.Write(Step, $"Rolling out {target.Image} in the namespace {namespaceName}: "
                + $"{string.Join(", ", rollouts.Select(rollout => rollout.Workload.Title))}.");
            // :: Step 2
            foreach (var rollout in rollouts)
                await rollout.SetAsync(both.Token);
            // :: Step 3
            await WaitAsync(api, rollouts, (rollout, _) => rollout.CheckAsync(both.Token), podProblems, both.Token);
            if (rollouts.All(rollout => rollout.IsMissing))
                throw new KubernetesException(null, "All selected workloads were deleted, or lost their labels, during the rollout.");
            // :: Step 4
            foreach (var rollout in rollouts)
                await rollout.RemoveRecordAsync(cancellationToken);
            return;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            problem = string.Join(' ', rollouts.Where(rollout => !rollout.IsDone).Select(rollout => rollout.Summary)
                .Prepend($"The rollout did not end within {limit.TotalSeconds:0} seconds."));
        }
        catch (KubernetesException exception)
        {
            problem = exception.Message;
        }
        foreach (var rollout in rollouts)
            rollout.Abort();
        steps.Write(Step, problem);
        var (isRestored, outcome) = rollouts.Count == 0 ? (false, "No workload was changed.")
            : await RestoreAsync(api, rollouts, podProblems, steps, cancellationToken);
        throw Fail(target, $"{problem} {outcome}", isRestored, steps);
    }

    private async Task<IReadOnlyList<Workload>> FindAsync(KubernetesApi api, StepLog steps, CancellationToken cancellationToken)
    {
        var all = new List<Workload>();
        foreach (var kind in new[] { WorkloadKind.Deployment, WorkloadKind.StatefulSet })
        {
            var list = await api.ListAsync(kind, options.Selector, cancellationToken);
            all.AddRange(list.Items);
        }
        if (all.Count == 0)
            throw new KubernetesException(null, $"No Deployment and no StatefulSet in the namespace {namespaceName} has the labels "
                + $"'{options.Selector}'. Check --kube-release or --kube-selector, and --kube-namespace.");
        var chosen = all.Where(workload => workload.Choose(options.Containers).Count > 0).ToList();
        foreach (var other in all.Except(chosen))
            steps.Write(Step, $"{other.Title} stays as it is: it has no container {string.Join(" or ", options.Containers)}.");
        return chosen.Count > 0 ? chosen : throw new KubernetesException(null, $"No workload with the labels '{options.Selector}' "
            + $"in the namespace {namespaceName} has a container {string.Join(" or ", options.Containers)}. Check --kube-containers.");
    }

    /// <summary>Watches the workloads until all rollouts are done.</summary>
    private async Task WaitAsync(KubernetesApi api, IReadOnlyList<WorkloadRollout> rollouts, Func<WorkloadRollout, bool, Task> check,
        PodProblems podProblems, CancellationToken cancellationToken)
    {
        var states = rollouts.ToDictionary(rollout => rollout.Workload.Step, rollout => rollout.Workload, StringComparer.Ordinal);
        await new WorkloadWatch(api, options.Selector, clock).WaitAsync(states, async isTimeToInspect =>
        {
            foreach (var rollout in rollouts.Where(rollout => !rollout.IsDone))
            {
                rollout.Observe(states.GetValueOrDefault(rollout.Workload.Step));
                await check(rollout, isTimeToInspect);
            }
            var open = rollouts.Where(rollout => !rollout.IsDone).ToList();
            if (isTimeToInspect)
                await podProblems.InspectAsync(open.Select(rollout => rollout.Workload), cancellationToken);
            return open.Count == 0;
        }, cancellationToken);
    }

    private async Task<(bool IsRestored, string Outcome)> RestoreAsync(KubernetesApi api, IReadOnlyList<WorkloadRollout> rollouts,
        PodProblems podProblems, StepLog steps, CancellationToken cancellationToken)
    {
        steps.Begin(RestoreStep);
        using var time = new CancellationTokenSource(RestoreLimit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
        var (open, restored, problems, isRestored) = (rollouts.ToList(), new List<WorkloadRollout>(), new List<string>(), true);
        try
        {
            foreach (var rollout in rollouts)
            {
                try
                {
                    var one = await rollout.RestoreAsync(both.Token);
                    isRestored &= one != RestoreOutcome.Skipped;
                    if (one == RestoreOutcome.Changed)
                        restored.Add(rollout);
                }
                catch (KubernetesException exception)
                {
                    problems.Add($"{rollout.Workload.Title}: {exception.Message}");
                }
                open.Remove(rollout);
            }
            if (restored.Count > 0)
                await WaitAsync(api, restored, (rollout, isTimeToInspect) => rollout.CheckRestoredAsync(isTimeToInspect, both.Token),
                    podProblems, both.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            problems.AddRange(open.Concat(restored.Where(rollout => !rollout.IsDone)).Select(rollout =>
                $"{rollout.Workload.Title} was not restored within {RestoreLimit.TotalSeconds:0} seconds."));
        }
        catch (KubernetesException exception)
        {
            problems.Add(exception.Message);
        }
        var outcome = problems.Count > 0 ? $"The earlier image does not run everywhere: {string.Join(' ', problems)}"
            : !isRestored ? "The earlier image was restored only in part; see the log of the step image-restore."
            : restored.Count > 0 ? "The earlier image runs again."
            : "No workload had to be restored.";
        steps.Write(RestoreStep, outcome);
        steps.End(RestoreStep, problems.Count > 0 ? StepStatus.Failed : StepStatus.Completed);
        return (isRestored && problems.Count == 0, outcome);
    }

    private static ImageFailedException Fail(RolloutTarget target, string problem, bool isRestored, StepLog steps)
    {
        var message = $"The image {target.Image} does not run. {problem}";
        steps.Write(Step, message);
        steps.End(Step, StepStatus.Failed);
        return new ImageFailedException(message) { IsRestored = isRestored };
    }
}
