using System.Diagnostics;
using Updraft.Agent.Images;
using Updraft.Agent.Tracing;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// The main loop of the agent. It watches the desired state all the time. In parallel, it either waits and detects drift of the mounted
/// trees from time to time, or it reconciles to a desired state:
/// <list type="number">
/// <item>Prepare: build the complete trees on disk, without a change that Airflow sees.</item>
/// <item>Check: run the operator's command against the prepared trees.</item>
/// <item>Roll out the image, if it differs and the agent has an image driver. Bundles stay until the image is ready.</item>
/// <item>Activate, if the desired phase is ACTIVATE: flip.</item>
/// <item>Report PREPARED or ACTIVE. The response is the next state: after PREPARED usually ACTIVATE of the same revision.</item>
/// </list>
/// After a failure the agent reports FAILED and retries with growing pauses, and mounted files stay. On a full disk it first removes
/// earlier trees, and retries at once. A newer state cancels the work for an older one. If an image does not run, the image driver
/// restores the earlier image. A retry would stop Airflow once more, so the agent aborts the revision and waits for another one.
/// </summary>
internal sealed class AgentLoop(StateClient client, TreeBuilder trees, PrebuiltTrees prebuiltTrees, DriftRepair repair, PackFetcher fetcher,
    BundleCheck check, ImageRollout images, Mounts mounts, TreeRetention retention, AgentLog log, TimeProvider clock)
{
    private const int MaxMessage = 2000;

    /// <summary>Number of consecutive network failures after which the agent reports them to the server.</summary>
    private const int ReportedAfter = 3;

    private static readonly TimeSpan InspectEvery = TimeSpan.FromHours(1);

    /// <summary>Delay before the agent watches for a newer state, because most reconciliations take less time than that.</summary>
    private static readonly TimeSpan WatchAfter = TimeSpan.FromMilliseconds(250);

    /// <summary>Delay before the agent prepares the next deploy, because other agents on the host may still be busy.</summary>
    private static readonly TimeSpan IdleAfter = TimeSpan.FromMilliseconds(500);

    /// <summary>Interval of reports during a step. The report at the end contains the steps that take less time.</summary>
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(1);

    private readonly BackOff _backOff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), clock);
    private Task _pause = Task.CompletedTask;
    private DateTimeOffset _inspectAt = clock.GetUtcNow() + InspectEvery;

    /// <summary>State in the newest watch request. The server responds when the desired state differs from it.</summary>
    private StateKey _requested = new(0, 0, StatePhase.Activate);

    private StateKey? _done;
    private (long Epoch, long Revision) _revision, _prepared;
    private long _fetchedBefore;
    private bool _once;
    private volatile bool _hasUnreportedSteps;
    private StepLog _steps = new(clock);
    private ActivityContext _trace;

    /// <summary>Reason of the last failure of a revision; null if there was none.</summary>
    public string? LastProblem { get; private set; }

    /// <summary>
    /// Runs until it is canceled, or with <paramref name="once"/> until the newest revision is active or rejected on this host.
    /// </summary>
    /// <exception cref="AgentExitException">The agent cannot continue without an operator.</exception>
    public async Task RunAsync(bool once, CancellationToken cancellationToken)
    {
        _once = once;
        var desired = await StartAsync(once, cancellationToken);
        while (true)
        {
            var isDone = desired is null || desired.Revision == 0 || StateKey.Of(desired) == _done;
            if (isDone && once)
            {
                if (desired is not null && images.AbortReason(desired) is { } reason)
                    throw new AgentExitException(ExitCode.ImageFailed, reason);
                // The server activates no bundle while another agent rolls out the image. That rollout may wait for a pod whose init
                // container is this agent, so an agent that serves files already must exit here.
                if (desired is not { Phase: StatePhase.Prepare } || mounts.Active is not null)
                    return;
            }
            _requested = desired is null ? _requested : StateKey.Of(desired);
            desired = isDone
                ? await client.RunUntilSupersededAsync(WaitAsync, _requested, TimeSpan.Zero, cancellationToken)
                : await client.RunUntilSupersededAsync(token => ReconcileAsync(desired!, token), _requested, WatchAfter, cancellationToken);
        }
    }

    /// <summary>Keeps serving the mounted revision, even without a server, and reports it as soon as the server responds.</summary>
    private async Task<DesiredState?> StartAsync(bool once, CancellationToken cancellationToken)
    {
        mounts.RepairLinks();
        retention.Prune();
        if (mounts.Active is not { } active)
        {
            if (once)
                return await client.FetchNowAsync(_requested, cancellationToken);
            mounts.CreateFirstDirectory();
            return null;
        }
        log.Information("revision_resumed", ("revision", active.Revision), ("epoch", active.Epoch));
        await repair.InspectAsync(Inspection.Metadata, cancellationToken);
        _revision = _prepared = (active.Epoch, active.Revision);
        _requested = new StateKey(active.Epoch, active.Revision, StatePhase.Activate);
        // With an image driver, the image must still be compared: the agent may have been stopped in a rollout, or have a new driver.
        _done = images.IsEnabled ? null : _requested;
        return await ReportAsync(_revision, AgentPhase.Active, null, TimeSpan.Zero, cancellationToken);
    }

    private async Task<DesiredState> WaitAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(IdleAfter, clock, cancellationToken);
        if (!prebuiltTrees.Refill(mounts.Active?.Mounts ?? [], cancellationToken))
            await repair.InspectAsync(Inspection.Changed, cancellationToken);
        // Airflow shares the host, so the agent returns the memory of the last deploy.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        while (true)
        {
            var rest = _inspectAt - clock.GetUtcNow();
            await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, clock, cancellationToken);
            await repair.InspectAsync(Inspection.Content, cancellationToken);
            retention.Prune();
            prebuiltTrees.Refill(mounts.Active?.Mounts ?? [], cancellationToken);
            _inspectAt = clock.GetUtcNow() + InspectEvery;
        }
    }

    private async Task<DesiredState> ReconcileAsync(DesiredState desired, CancellationToken cancellationToken)
    {
        var revision = (desired.Epoch, desired.Revision);
        if (revision != _revision)
        {
            (_revision, _pause, _fetchedBefore) = (revision, Task.CompletedTask, fetcher.FetchedBytes);
            _steps = new StepLog(clock, () => _hasUnreportedSteps = true);
            _trace = client.TraceOf(desired);
            _backOff.Reset();
            log.Information("state_received", ("revision", desired.Revision), ("epoch", desired.Epoch), ("deployId", desired.DeployId),
                ("mounts", desired.Mounts.Count), ("image", desired.Image));
        }
        retention.Protect(desired.Mounts);
        var started = clock.GetTimestamp();
        if (images.AbortReason(desired) is { } reason)
            return await AbortAsync(desired, reason, started, cancellationToken);
        await _pause.WaitAsync(cancellationToken);
        started = clock.GetTimestamp();
        try
        {
            // :: Steps 1 to 3
            await RunWhileReportingAsync(() => PrepareAsync(desired, cancellationToken), started, cancellationToken);
            // :: Step 4
            var phase = AgentPhase.Prepared;
            if (desired.Phase == StatePhase.Activate)
            {
                int differing;
                using (AgentSpans.Begin("activate", _trace)?.Describe(desired))
                    differing = mounts.Activate(desired);
                phase = AgentPhase.Active;
                _backOff.Reset();
                log.Information("revision_activated", ("revision", desired.Revision), ("differingFiles", differing),
                    ("took", clock.GetElapsedTime(started)));
            }
            _done = StateKey.Of(desired);
            // :: Step 5
            var next = await ReportAsync(revision, phase, null, clock.GetElapsedTime(started), cancellationToken);
            if (phase == AgentPhase.Active)
                retention.Prune();
            return next;
        }
        catch (ImageFailedException exception)
        {
            return await AbortAsync(desired, exception.Message, started, cancellationToken);
        }
        catch (Exception exception) when (exception is not AgentExitException && !cancellationToken.IsCancellationRequested)
        {
            return await FailAsync(desired, exception, started, cancellationToken);
        }
    }

    /// <summary>
    /// Logs and reports a failure, and lets the next attempt wait. The agent keeps running after any exception, because it must keep the
    /// mounted files intact and retry.
    /// </summary>
    private async Task<DesiredState> FailAsync(DesiredState desired, Exception exception, long started, CancellationToken cancellationToken)
    {
        LastProblem = ErrorReason.Of(exception);
        log.Error("revision_failed", ("revision", desired.Revision), ("phase", desired.Phase), ("reason", LastProblem),
            ("kind", exception.GetType().Name));
        // The server sends PREPARE again, even if the revision was prepared before. So no part of the revision counts as done.
        (_prepared, _done) = (default, null);
        if (ErrorReason.IsDiskFull(exception))
        {
            prebuiltTrees.Clear();
            if (retention.Reclaim())
                return desired;
        }
        _pause = _backOff.WaitAsync(CancellationToken.None);
        if (exception is HttpRequestException or HttpIOException or TimeoutException && _backOff.Failures < ReportedAfter)
            return desired;
        var next = await ReportAsync(_revision, AgentPhase.Failed, LastProblem, clock.GetElapsedTime(started), cancellationToken);
        return _once && exception is RevisionRejectedException && (next.Epoch, next.Revision) == _revision
            ? throw new AgentExitException(ExitCode.RevisionRejected, $"The revision {desired.Revision} cannot be used here: {LastProblem}")
            : next;
    }

    /// <summary>Aborts a revision. The mounted files and the running image stay until the server sends another revision.</summary>
    private async Task<DesiredState> AbortAsync(DesiredState desired, string reason, long started, CancellationToken cancellationToken)
    {
        log.Error("revision_aborted", ("revision", desired.Revision), ("reason", reason));
        (_prepared, _done) = (default, StateKey.Of(desired));
        return await ReportAsync(_revision, AgentPhase.Failed, reason, clock.GetElapsedTime(started), cancellationToken, isAborted: true);
    }

    /// <summary>Runs some work, and regularly reports the logs of its steps.</summary>
    private async Task RunWhileReportingAsync(Func<Task> work, long started, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reporting = ReportStepsAsync();
        try
        {
            await work();
        }
        finally
        {
            // The loop must end before the next report, so that reports stay in order.
            await stop.CancelAsync();
            await reporting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task ReportStepsAsync()
        {
            while (true)
            {
                await Task.Delay(ReportEvery, clock, stop.Token);
                if (!_hasUnreportedSteps)
                    continue;
                _hasUnreportedSteps = false;
                // The response may contain a newer state. The watch receives it too, so it is ignored here.
                await ReportAsync(_revision, AgentPhase.Preparing, null, clock.GetElapsedTime(started), stop.Token);
            }
        }
    }

    private async Task PrepareAsync(DesiredState desired, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        mounts.Check(desired.Mounts);
        if (_prepared != _revision || !desired.Mounts.All(trees.Has))
        {
            await AgentSpans.RunAsync("prepare", _trace, desired, async () =>
            {
                foreach (var mount in desired.Mounts)
                    await trees.EnsureAsync(mount, MountedAt(mount.Path), Inspection.Changed, cancellationToken);
                await check.RunAsync(desired, _steps, cancellationToken);
            });
        }
        if (images.IsDue(desired))
        {
            await AgentSpans.RunAsync("image", _trace, desired,
                () => images.EnsureAsync(desired, _steps, cancellationToken));
        }
        if (_prepared == _revision)
            return;
        _prepared = _revision;
        log.Information("revision_prepared", ("revision", desired.Revision), ("fetchedBytes", fetcher.FetchedBytes - _fetchedBefore),
            ("took", clock.GetElapsedTime(started)));
    }

    private async Task<DesiredState> ReportAsync((long Epoch, long Revision) revision, AgentPhase phase, string? message, TimeSpan took,
        CancellationToken cancellationToken, bool isAborted = false)
    {
        var active = mounts.Active;
        using var span = AgentSpans.Begin("report", _trace, ActivityKind.Client)?.SetTag("updraft.phase", phase.ToString());
        return await client.ReportAsync(agentId => new AgentReport
        {
            AgentId = agentId,
            Epoch = revision.Epoch,
            Revision = revision.Revision,
            Phase = phase,
            ActiveRevision = active?.Revision ?? 0,
            Mounts = [.. (active?.Mounts ?? []).Select(mount => new MountReport(mount.Path, mount.Version, mount.Manifest))],
            Image = images.Running,
            HasGivenUp = isAborted,
            Steps = _steps.Report() is { Count: > 0 } steps ? steps : null,
            Message = message?[..Math.Min(message.Length, MaxMessage)],
            FetchedBytes = fetcher.FetchedBytes - _fetchedBefore,
            Milliseconds = took.TotalMilliseconds,
        }, cancellationToken);
    }

    private Digest? MountedAt(string path) =>
        mounts.Active?.Mounts.FirstOrDefault(mount => mount.Path == path) is { } mount ? Digest.Parse(mount.Manifest) : null;
}
