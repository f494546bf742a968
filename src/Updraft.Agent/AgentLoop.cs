using System.Diagnostics;
using Updraft.Agent.Images;
using Updraft.Agent.Tracing;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// The whole agent on one page. It listens for what its server wants, all the time, and beside it does one of two things:
/// wait, and look now and then whether the mounted trees are still what they should be; or carry out a state:
/// <list type="number">
/// <item>Prepare: make the trees complete on disk; nothing that Airflow sees changes.</item>
/// <item>Check: run the operator's command against the staged tree.</item>
/// <item>Let the image run, if it is another one and this agent does that. Bundles do not move before it is ready.</item>
/// <item>Activate, if the state says so: flip.</item>
/// <item>Report PREPARED or ACTIVE. The answer is the next state, after PREPARED usually the same to be activated.</item>
/// </list>
/// What fails is reported FAILED and tried again, ever more slowly; what is mounted stays. A newer state ends whatever
/// is being done for an older one. An image that does not run is another matter: its driver has brought back the one before, and trying
/// the same again would stop Airflow once more, so the agent gives the revision up and waits for another.
/// </summary>
internal sealed class AgentLoop(StateClient client, TreeBuilder trees, PrebuiltTrees spares, PackFetcher fetcher, BundleCheck check,
    ImageRollout images, Mounts mounts, TreeRetention retention, AgentLog log, TimeProvider clock)
{
    private const int MaxMessage = 2000;

    /// <summary>A network that fails so often in a row is no hiccup and is reported.</summary>
    private const int ReportedAfter = 3;

    private static readonly TimeSpan InspectEvery = TimeSpan.FromHours(1);

    /// <summary>Most states are carried out before it pays to ask for a newer one.</summary>
    private static readonly TimeSpan ListenAfter = TimeSpan.FromMilliseconds(250);

    /// <summary>What prepares for the next deploy begins so late, since others on the machine may still be busy with this one.</summary>
    private static readonly TimeSpan RestAfter = TimeSpan.FromMilliseconds(500);

    /// <summary>Who looks at a deploy sees the log of its steps so late at most; what is done sooner is told with its end.</summary>
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(1);

    private readonly BackOff _backOff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), clock);
    private Task _pause = Task.CompletedTask;
    private DateTimeOffset _inspectAt = clock.GetUtcNow() + InspectEvery;

    /// <summary>What was asked for last; the server answers when it wants something else.</summary>
    private StateKey _asked = new(0, 0, StatePhase.Activate);

    private StateKey? _done;
    private (long Epoch, long Revision) _revision, _prepared;
    private long _fetchedBefore;
    private volatile bool _hasNews;
    private StepLog _steps = new(clock);
    private ActivityContext _trace;

    /// <summary>Runs until cancelled, or with <paramref name="once"/> until nothing is to be done.</summary>
    /// <exception cref="AgentExitException">Only an operator can help.</exception>
    public async Task RunAsync(bool once, CancellationToken cancellationToken)
    {
        var desired = await StartAsync(once, cancellationToken);
        while (true)
        {
            var isDone = desired is null || desired.Revision == 0 || StateKey.Of(desired) == _done;
            if (isDone && once)
            {
                if (desired is not null && images.AbortReason(desired) is { } reason)
                    throw new AgentExitException(ExitCode.ImageFailed, reason);
                // Nothing moves while another agent lets the image run, perhaps in the very pod that waits for this one to end.
                if (desired is not { Phase: StatePhase.Prepare } || mounts.Active is not null)
                    return;
            }
            _asked = desired is null ? _asked : StateKey.Of(desired);
            desired = isDone
                ? await RunUntilSupersededAsync(WaitAsync, TimeSpan.Zero, cancellationToken)
                : await RunUntilSupersededAsync(token => ReconcileAsync(desired!, token), ListenAfter, cancellationToken);
        }
    }

    /// <summary>Goes on with what is mounted, server or not, and says so as soon as it can.</summary>
    private async Task<DesiredState?> StartAsync(bool once, CancellationToken cancellationToken)
    {
        mounts.Tidy();
        retention.Prune();
        if (mounts.Active is not { } active)
            return once ? await client.FetchNowAsync(_asked, cancellationToken) : null;
        log.Information("serving", ("revision", active.Revision), ("epoch", active.Epoch));
        await InspectAsync(thorough: false, cancellationToken);
        _revision = _prepared = (active.Epoch, active.Revision);
        _asked = new StateKey(active.Epoch, active.Revision, StatePhase.Activate);
        // Whether the image runs is known when the state comes: the agent may have been stopped in between, or have another driver now.
        _done = images.IsOn ? null : _asked;
        return await ReportAsync(_revision, AgentPhase.Active, null, TimeSpan.Zero, cancellationToken);
    }

    /// <summary>Does some work until it gives the next state, or until the server wants something else.</summary>
    private async Task<DesiredState> RunUntilSupersededAsync(Func<CancellationToken, Task<DesiredState>> work, TimeSpan listenAfter,
        CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var working = Task.Run(() => work(stop.Token), stop.Token);
        var listening = ListenAsync();
        try
        {
            return await await Task.WhenAny(working, listening);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll((Task)working, listening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task<DesiredState> ListenAsync()
        {
            await Task.Delay(listenAfter, clock, stop.Token);
            return await client.ListenAsync(_asked, stop.Token);
        }
    }

    private async Task<DesiredState> WaitAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(RestAfter, clock, cancellationToken);
        if (!spares.Refill(mounts.Active?.Mounts ?? [], cancellationToken))
            await InspectAsync(thorough: false, cancellationToken);
        // The memory of a deploy is worth more to Airflow, which shares the machine.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        while (true)
        {
            var rest = _inspectAt - clock.GetUtcNow();
            await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, clock, cancellationToken);
            await InspectAsync(thorough: true, cancellationToken);
            retention.Prune();
            spares.Refill(mounts.Active?.Mounts ?? [], cancellationToken);
            _inspectAt = clock.GetUtcNow() + InspectEvery;
        }
    }

    private async Task<DesiredState> ReconcileAsync(DesiredState desired, CancellationToken cancellationToken)
    {
        var revision = (desired.Epoch, desired.Revision);
        if (revision != _revision)
        {
            (_revision, _pause, _fetchedBefore) = (revision, Task.CompletedTask, fetcher.FetchedBytes);
            _steps = new StepLog(clock, () => _hasNews = true);
            _trace = client.TraceOf(desired);
            _backOff.Reset();
            log.Information("state", ("revision", desired.Revision), ("epoch", desired.Epoch), ("deployId", desired.DeployId),
                ("mounts", desired.Mounts.Count), ("image", desired.Image));
        }
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
                log.Information("active", ("revision", desired.Revision), ("differingFiles", differing),
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
            // Whatever it is, what is mounted goes on, and an agent that ends for it would help nobody.
            log.Error("failed", ("revision", desired.Revision), ("phase", desired.Phase), ("reason", exception.Message),
                ("kind", exception.GetType().Name));
            _pause = _backOff.WaitAsync(CancellationToken.None);
            // The server asks to prepare again, also what was prepared before; nothing of this revision counts as done.
            (_prepared, _done) = (default, null);
            if (exception is HttpRequestException or HttpIOException or TimeoutException && _backOff.Failures < ReportedAfter)
                return desired;
            return await ReportAsync(revision, AgentPhase.Failed, exception.Message, clock.GetElapsedTime(started), cancellationToken);
        }
    }

    /// <summary>What runs goes on. For this revision there is nothing more to do, until the server names another.</summary>
    private async Task<DesiredState> AbortAsync(DesiredState desired, string reason, long started, CancellationToken cancellationToken)
    {
        log.Error("given_up", ("revision", desired.Revision), ("reason", reason));
        (_prepared, _done) = (default, StateKey.Of(desired));
        return await ReportAsync(_revision, AgentPhase.Failed, reason, clock.GetElapsedTime(started), cancellationToken, hasGivenUp: true);
    }

    /// <summary>Does some work and tells the server now and then what its steps have written.</summary>
    private async Task RunWhileReportingAsync(Func<Task> work, long started, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var telling = TellAsync();
        try
        {
            await work();
        }
        finally
        {
            // It has ended before the next report is sent, so that none overtakes another.
            await stop.CancelAsync();
            await telling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task TellAsync()
        {
            while (true)
            {
                await Task.Delay(TellEvery, clock, stop.Token);
                if (!_hasNews)
                    continue;
                _hasNews = false;
                // The answer may be a newer state; whoever listens hears of it too.
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
                    await trees.EnsureAsync(mount, MountedAt(mount.Path), thorough: false, cancellationToken);
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
        log.Information("prepared", ("revision", desired.Revision), ("fetchedBytes", fetcher.FetchedBytes - _fetchedBefore),
            ("took", clock.GetElapsedTime(started)));
    }

    /// <summary>Looks whether the mounted trees are whole, and repairs them.</summary>
    private async Task InspectAsync(bool thorough, CancellationToken cancellationToken)
    {
        foreach (var mount in mounts.Active?.Mounts ?? [])
        {
            try
            {
                await trees.EnsureAsync(mount, MountedAt(mount.Path), thorough, cancellationToken);
                if (thorough)
                    trees.ReportUnmanagedFiles(mount);
            }
            catch (Exception exception) when (exception is HttpRequestException or TimeoutException or IOException
                or InvalidDataException or UnauthorizedAccessException)
            {
                log.Error("not_repaired", ("mount", mount.Path), ("reason", exception.Message));
            }
        }
    }

    private async Task<DesiredState> ReportAsync((long Epoch, long Revision) revision, AgentPhase phase, string? message, TimeSpan took,
        CancellationToken cancellationToken, bool hasGivenUp = false)
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
            HasGivenUp = hasGivenUp,
            Steps = _steps.Report() is { Count: > 0 } steps ? steps : null,
            Message = message?[..Math.Min(message.Length, MaxMessage)],
            FetchedBytes = fetcher.FetchedBytes - _fetchedBefore,
            Milliseconds = took.TotalMilliseconds,
        }, cancellationToken);
    }

    private Digest? MountedAt(string path) =>
        mounts.Active?.Mounts.FirstOrDefault(mount => mount.Path == path) is { } mount ? Digest.Parse(mount.Manifest) : null;
}
