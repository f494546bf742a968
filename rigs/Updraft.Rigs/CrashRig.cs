using System.Diagnostics;

namespace Updraft.Rigs;

/// <summary>
/// Kills the server, and sometimes the agent, in the midst of load; starts them again; compares with the ledgers. Round after round on
/// the same data, for <see cref="RoundsPerSite"/> rounds. Of several servers on PostgreSQL it kills one, and the load goes on at the others.
/// </summary>
internal sealed class CrashRig(RigOptions options, TextWriter output)
{
    private const int RoundsPerSite = 50, Deployments = 3;
    private static readonly string[] ServerCalls = ["fsync", "rename", "pwrite64", "openat", "mkdir", "unlink", "write"];
    // On PostgreSQL and an object store what matters goes by sockets.
    private static readonly string[] NetworkCalls = ["sendto", "sendmsg", "recvfrom", "recvmsg", "openat", "pwrite64", "write", "unlink"];
    private static readonly string[] AgentCalls = ["fsync", "rename", "symlink", "write", "mkdir", "linkat", "unlink", "syncfs", "utimensat"];

    private readonly Random _random = new(options.Seed);
    private readonly SortedDictionary<string, int> _kills = new(StringComparer.Ordinal);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private int _rounds, _goneOn;
    private long _looks, _revisions;

    public async Task<int> RunAsync()
    {
        Site? site = null;
        await using var postgres = options.IsPostgres ? await PostgresServer.StartAsync() : null;
        try
        {
            while (_rounds < options.Rounds)
            {
                using (site = new Site(options))
                {
                    if (postgres is not null)
                        await site.ShareAsync(postgres);
                    await RunSiteAsync(site, Math.Min(RoundsPerSite, options.Rounds - _rounds));
                }
            }
            Summarize(lost: 0, torn: 0);
            return 0;
        }
        catch (ViolationException violation)
        {
            output.WriteLine($"VIOLATION in round {_rounds + 1}: {violation.Message}");
            foreach (var ledger in site?.Ledgers ?? [])
                output.WriteLine($"ledger of {ledger.Id} at revision {ledger.Revision}:\n  {string.Join("\n  ", ledger.Tail)}");
            output.WriteLine($"again with: ./rigs/run crash --rounds {_rounds + 1} --seed {options.Seed}"
                + (options.IsPostgres ? $" --database postgres --replicas {options.Replicas}" : ""));
            Summarize(violation.Rule is "I1" or "restart" ? 1 : 0, violation.Rule is "I2" or "I5" ? 1 : 0, violation.Rule);
            return 1;
        }
    }

    private async Task RunSiteAsync(Site site, int rounds)
    {
        await KillFirstStartsAsync(site);
        foreach (var replica in site.Replicas)
            await site.StartServerAsync(replica: replica);
        for (var i = 0; i < Deployments; i++)
            await site.AddDeploymentAsync();
        site.StartAgent();
        var verification = new Verification(site);
        await using var watch = new MountWatch(site.Root, site.Ledgers[0]);
        for (var round = 0; round < rounds; round++)
        {
            var victim = site.Replicas[_random.Next(site.Replicas.Count)];
            await RunRoundAsync(site, verification, victim);
            await site.StartServerAsync(replica: victim);
            if (site.Agent is null)
                site.StartAgent();
            await verification.CheckAsync();
            await watch.SeesAsync(site.Ledgers[0].State, () => site.Agent!.Tail);
            site.CheckSurroundings();
            _rounds++;
            if (_rounds % 50 == 0)
                output.WriteLine($"{_rounds} rounds in {_clock.Elapsed.TotalSeconds:0} s");
        }
        ViolationException.Require(watch.Fault is null, "I5", watch.Fault ?? "");
        _looks += watch.Looks;
        _revisions += site.Ledgers.Sum(ledger => ledger.Revision);
    }

    /// <summary>C11: the first start makes keys, schema and tenancy; whatever it leaves, the next one goes on from.</summary>
    private async Task KillFirstStartsAsync(Site site)
    {
        for (var kills = _random.Next(1, 3); kills > 0; kills--)
        {
            // Several that start at once take turns; all of them die.
            foreach (var replica in site.Replicas)
                site.LaunchServer(replica: replica);
            await Task.Delay(_random.Next(50, 900));
            foreach (var replica in site.Replicas)
                site.KillServer(replica);
            Count("C11 first start");
        }
    }

    private async Task RunRoundAsync(Site site, Verification verification, Replica victim)
    {
        var server = victim.Process!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(1200));
        var (moment, trace) = await ArmAsync(server);
        using var agentTrace = await ArmAgentAsync(site);
        var loads = site.Ledgers.Select(ledger => WorkAsync(site, verification, victim, ledger, new Random(_random.Next()), moment, limit.Token)).ToList();
        try
        {
            await Task.WhenAll(loads);
            if (!server.HasExited)
                server.Signal(Native.Kill);
            ViolationException.Require(await server.ExitsWithinAsync(TimeSpan.FromSeconds(35)), "C13", "the server did not end");
        }
        finally
        {
            site.KillServer(victim);
            trace?.Dispose();
        }
        // A killed agent leaves whole trees; the watch goes on looking.
        if (site.Agent!.HasExited || agentTrace is not null)
            site.KillAgent();
    }

    /// <summary>Works until the server dies; then, when there are others, goes on with those, which must not fail.</summary>
    private async Task WorkAsync(Site site, Verification verification, Replica victim, Ledger ledger, Random random, Moment moment, CancellationToken end)
    {
        var load = new Load(site.Api, ledger, random, moment);
        await load.RunAsync(end);
        if (load.Failure is null || site.Replicas.Count == 1)
            return;
        RequireOf(victim, load.Failure);
        await site.LeaveAsync(victim);
        await verification.SettleAsync(ledger);
        Interlocked.Increment(ref _goneOn);
        await load.RunAsync(end);
        ViolationException.Require(load.Failure is null, "survivor", $"{load.Failure?.Server} failed, though {victim.Address} was killed: {load.Failure?.Text}");
    }

    private static void RequireOf(Replica victim, Answer failure) => ViolationException.Require(failure.Server == victim.Address, "survivor",
        $"{failure.Server} failed, though {victim.Address} is to be killed: {failure.Status} {failure.Text}");

    private async Task<(Moment, ChildProcess?)> ArmAsync(ChildProcess server)
    {
        var delay = TimeSpan.FromMilliseconds(_random.NextDouble() < 0.3 ? 0 : _random.NextDouble() * 12);
        switch (_random.Next(10))
        {
            case < 2:
                Count("any moment");
                _ = KillLaterAsync(server, Native.Kill);
                return (Moment.Never, null);
            case 2:
                Count("C13 SIGTERM");
                _ = KillLaterAsync(server, Native.Terminate);
                return (Moment.Never, null);
            case < 6:
                var calls = options.IsPostgres ? NetworkCalls : ServerCalls;
                var call = calls[_random.Next(calls.Length)];
                Count($"C4/C5 {call}");
                var trace = await ChildProcess.TraceAsync(server.Id,
                    $"-e trace={call} -e inject={call}:signal=KILL:when={_random.Next(1, 25)}", "/dev/null");
                return (Moment.Never, trace);
            default:
                var (name, row) = Moment.All[_random.Next(Moment.All.Count)];
                Count($"{row} {name}");
                return (new Moment(name, _random.Next(1, 6), delay, () => server.Signal(Native.Kill)), null);
        }
    }

    /// <summary>G1: every fourth round or so the agent dies as well.</summary>
    /// <returns>What kills it; null when it lives.</returns>
    private async Task<ChildProcess?> ArmAgentAsync(Site site)
    {
        if (_random.Next(4) > 0)
            return null;
        var call = AgentCalls[_random.Next(AgentCalls.Length)];
        Count($"G1 {call}");
        return await ChildProcess.TraceAsync(site.Agent!.Id, $"-e trace={call} -e inject={call}:signal=KILL:when={_random.Next(1, 12)}", "/dev/null");
    }

    private async Task KillLaterAsync(ChildProcess server, int signal)
    {
        await Task.Delay(_random.Next(1, 600));
        server.Signal(signal);
    }

    private void Count(string kind) => _kills[kind] = _kills.GetValueOrDefault(kind) + 1;

    private void Summarize(int lost, int torn, string? rule = null)
    {
        output.WriteLine("kills: " + string.Join(", ", _kills.Select(kind => $"{kind.Key} {kind.Value}")));
        output.WriteLine($"{_revisions} revisions, {_looks} looks at the mount"
            + (options.Replicas > 1 ? $", {_goneOn} times a client went on at another server" : ""));
        output.WriteLine($"rounds={_rounds} lost={lost} torn={torn}{(rule is null ? "" : $" broken={rule}")} seed={options.Seed} seconds={_clock.Elapsed.TotalSeconds:0}");
    }
}
