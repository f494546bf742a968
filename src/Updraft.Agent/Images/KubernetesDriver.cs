using Updraft.Protocol;

namespace Updraft.Agent.Images;

/// <summary>
/// Rolls an image out in a Kubernetes cluster, by changing the workloads that the operator chose, in one namespace:
/// <list type="number">
/// <item>Find the Deployments and StatefulSets of the selector, and their containers that run the image.</item>
/// <item>Set the image of those that have another one. What they had is written down at the workload, in the same change.</item>
/// <item>Wait until the cluster has replaced their pods.</item>
/// <item>Forget what they had.</item>
/// </list>
/// When this fails, also after a restart in the middle, every workload gets back what it had, unless somebody else changed it meanwhile.
/// How pods are replaced, and how many at a time, is the workloads' own business.
/// </summary>
internal sealed class KubernetesDriver(KubernetesConnection connection, string space, KubernetesOptions options, TimeSpan limit, TimeProvider clock)
    : IImageDriver
{
    /// <summary>Names of the steps; each workload has one of its own below the first.</summary>
    public const string Step = "image", RestoreStep = "image-restore";

    public string Name => ImageDrivers.Kubernetes;

    /// <summary>Going back is not waited for longer: what is set is set, and whoever deployed wants to know.</summary>
    public TimeSpan RestoreLimit { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The driver for the cluster in whose pod this agent runs.</summary>
    /// <param name="options">Which workloads.</param>
    /// <param name="limit">How long a rollout may take.</param>
    /// <param name="environment">Looks up an environment variable.</param>
    /// <param name="clock">Tells the time.</param>
    /// <exception cref="AgentExitException">This is no pod, or the namespace is not known.</exception>
    public static KubernetesDriver Create(KubernetesOptions options, TimeSpan limit, Func<string, string?> environment, TimeProvider clock)
    {
        var connection = KubernetesConnection.InPod(environment);
        var space = options.Namespace ?? connection.Namespace()
            ?? throw new AgentExitException(ExitCode.Configuration, "The pod does not say in which namespace it is; give --kube-namespace.");
        return new KubernetesDriver(connection, space, options, limit, clock);
    }

    public async Task RollOutAsync(ImageReference image, ImageReference? before, StepLog steps, CancellationToken cancellationToken)
    {
        var target = new RolloutTarget(ImageName.Of(image), before is null ? null : ImageName.Of(before), options.Containers);
        steps.Begin(Step);
        try
        {
            using var api = new KubernetesApi(connection, space, text => steps.Write(Step, text), clock);
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
        var troubles = new PodTroubles(api, target.Image, steps);
        IReadOnlyList<WorkloadRollout> rollouts = [];
        string problem;
        try
        {
            // :: Step 1
            rollouts = [.. (await FindAsync(api, steps, both.Token)).Select(workload =>
                new WorkloadRollout(api, workload, target, troubles, steps, clock))];
            steps.Write(Step, $"{target.Image} is to run in the namespace {space}: "
                + $"{string.Join(", ", rollouts.Select(rollout => rollout.Workload.Title))}.");
            // :: Step 2
            foreach (var rollout in rollouts)
                await rollout.SetAsync(both.Token);
            // :: Step 3
            await WaitAsync(api, rollouts, (rollout, _) => rollout.JudgeAsync(both.Token), troubles, both.Token);
            if (rollouts.All(rollout => rollout.IsGone))
                throw new KubernetesException(null, "All its workloads are gone.");
            // :: Step 4
            foreach (var rollout in rollouts)
                await rollout.ForgetAsync(cancellationToken);
            return;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            problem = string.Join(' ', rollouts.Where(rollout => !rollout.IsDone).Select(rollout => rollout.Summary)
                .Prepend($"It did not get there within {limit.TotalSeconds:0} seconds."));
        }
        catch (KubernetesException exception)
        {
            problem = exception.Message;
        }
        foreach (var rollout in rollouts)
            rollout.Abort();
        steps.Write(Step, problem);
        var (isRestored, outcome) = rollouts.Count == 0 ? (false, "Nothing was changed.")
            : await RestoreAsync(api, rollouts, troubles, steps, cancellationToken);
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
            throw new KubernetesException(null, $"No Deployment and no StatefulSet in the namespace {space} has the labels '{options.Selector}'.");
        var chosen = all.Where(workload => workload.Choose(options.Containers).Count > 0).ToList();
        foreach (var other in all.Except(chosen))
            steps.Write(Step, $"{other.Title} is left alone: it has no container {string.Join(" or ", options.Containers)}.");
        return chosen.Count > 0 ? chosen : throw new KubernetesException(null, $"No workload with the labels '{options.Selector}' "
            + $"in the namespace {space} has a container {string.Join(" or ", options.Containers)}.");
    }

    /// <summary>Follows the workloads until all are judged to be done.</summary>
    private async Task WaitAsync(KubernetesApi api, IReadOnlyList<WorkloadRollout> rollouts, Func<WorkloadRollout, bool, Task> judge,
        PodTroubles troubles, CancellationToken cancellationToken)
    {
        var states = rollouts.ToDictionary(rollout => rollout.Workload.Step, rollout => rollout.Workload, StringComparer.Ordinal);
        await new WorkloadWatch(api, options.Selector, clock).WaitAsync(states, async isTimeToLook =>
        {
            foreach (var rollout in rollouts.Where(rollout => !rollout.IsDone))
            {
                rollout.Observe(states.GetValueOrDefault(rollout.Workload.Step));
                await judge(rollout, isTimeToLook);
            }
            var going = rollouts.Where(rollout => !rollout.IsDone).ToList();
            if (isTimeToLook)
                await troubles.LookAsync(going.Select(rollout => rollout.Workload), cancellationToken);
            return going.Count == 0;
        }, cancellationToken);
    }

    private async Task<(bool IsRestored, string Outcome)> RestoreAsync(KubernetesApi api, IReadOnlyList<WorkloadRollout> rollouts,
        PodTroubles troubles, StepLog steps, CancellationToken cancellationToken)
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
                    isRestored &= one != RestoreOutcome.LeftAlone;
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
                await WaitAsync(api, restored, (rollout, isTimeToLook) => rollout.JudgeRestoredAsync(isTimeToLook, both.Token), troubles,
                    both.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            problems.AddRange(open.Concat(restored.Where(rollout => !rollout.IsDone)).Select(rollout =>
                $"{rollout.Workload.Title} was not back within {RestoreLimit.TotalSeconds:0} seconds."));
        }
        catch (KubernetesException exception)
        {
            problems.Add(exception.Message);
        }
        var outcome = problems.Count > 0 ? $"What ran before does not run everywhere: {string.Join(' ', problems)}"
            : !isRestored ? "What ran before could be brought back only in part, see the log."
            : restored.Count > 0 ? "What ran before runs again."
            : "There was nothing to undo.";
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
