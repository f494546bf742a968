using System.Globalization;

namespace Updraft.Bench;

/// <summary>
/// P2: time until the last of fifty agents has a deploy with one changed file of 5,000. The peers are fifty <c>git fetch</c> with checkout
/// and fifty <c>rsync</c>, all started at once. The time of the trigger for git and rsync is not included, because agents already wait. The
/// end time is the time of the flipped link or the written file in the file system. P3: bytes that one delivery transfers.
/// </summary>
internal static class Delivery
{
    private const int AverageBytes = 1500;

    public static async Task RunAsync(BenchOptions options, Table table)
    {
        var project = options.NewFolder("p2-project");
        Project.Write(project, AverageBytes);
        using var git = await GitDaemon.StartAsync(options, project);
        using var rsync = await RsyncDaemon.StartAsync(options, project);
        using var site = await Site.StartAsync(options, "p2");
        using var deployer = new Deployer(site, project);

        if (options.Wants("P3"))
            await CountBytesAsync(deployer, rsync, table);
        if (!options.Wants("P2"))
            return;
        await deployer.AddAgentsAsync(1);
        await deployer.DeployAsync();
        await deployer.DeployAsync();
        var alone = new List<double>();
        for (var i = 0; i < options.Samples(100); i++)
            alone.Add(await deployer.DeployAsync());
        var slowest = Figures.Percentile(alone, 0.99);
        table.Value("P2", "finalize to active, one agent, 99 of 100 deploys", slowest, Figures.Milliseconds, Goal.AtMost(150));

        var machines = options.IsQuick ? 10 : 50;
        await deployer.AddAgentsAsync(machines);
        await git.CloneAsync(machines);
        await rsync.CopyAsync(machines);
        var (updraft, fetches, copies) = (new List<double>(), new List<double>(), new List<double>());
        await deployer.DeployAsync();
        for (var i = 0; i < options.Samples(5); i++)
        {
            updraft.Add(await deployer.DeployAsync());
            await deployer.RestAsync();
            await git.CommitAsync();
            fetches.Add(await git.FetchAllAsync());
            copies.Add(await rsync.CopyAllAsync());
        }
        table.Ratio("P2", $"finalize to active, last of {machines} agents: git, {machines} clones",
            Figures.Median(updraft), Figures.Median(fetches), Figures.Milliseconds, Goal.AtMost(0.1));
        table.Ratio("P2", $"finalize to active, last of {machines} agents: rsync, {machines} directories",
            Figures.Median(updraft), Figures.Median(copies), Figures.Milliseconds, Goal.AtMost(0.3));
    }

    private static async Task CountBytesAsync(Deployer deployer, RsyncDaemon rsync, Table table)
    {
        await deployer.AddAgentsAsync(1, through: true);
        await deployer.DeployAsync();
        await deployer.Relay!.RestAsync();
        var before = deployer.Relay.Passed;
        await deployer.DeployAsync();
        await deployer.Relay.RestAsync();
        var updraft = deployer.Relay.Passed - before;

        await using var relay = new Relay(rsync.Port);
        await rsync.CopyOneAsync(relay.Port);
        Project.Change(deployer.Folder, 1000);
        before = relay.Passed;
        await rsync.CopyOneAsync(relay.Port);
        var peer = relay.Passed - before;
        table.Ratio("P3", "bytes to one agent, one file changed of 5,000: rsync", updraft, peer, Figures.Bytes, Goal.AtMost(0.25));
        await deployer.RemoveAgentsAsync();
    }

    /// <summary>Time of the newest change among the files and links, in milliseconds after <paramref name="since"/>.</summary>
    public static async Task<double> NewestAsync(IEnumerable<string> paths, DateTimeOffset since)
    {
        // The ctime of the file or link itself, because rsync sets the mtime.
        var times = (await ChildProcess.RunAsync(["stat", "-c", "%.6Z", .. paths])).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var newest = times.Max(time => decimal.Parse(time, CultureInfo.InvariantCulture));
        return (double)(newest * 1000) - (since - DateTimeOffset.UnixEpoch).TotalMilliseconds;
    }
}

/// <summary>Changes a file, deploys the project, and waits for the agents.</summary>
internal sealed class Deployer(Site site, string folder) : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);
    private readonly List<(ChildProcess Agent, string Root)> _agents = [];
    private int _round, _names;

    public string Folder => folder;

    public Relay? Relay { get; private set; }

    public IEnumerable<ChildProcess> Agents => _agents.Select(agent => agent.Agent);

    public async Task AddAgentsAsync(int count, bool through = false)
    {
        if (through)
            Relay = new Relay(site.Address.Port);
        while (_agents.Count < count)
            _agents.Add(await site.StartAgentAsync(string.Create(CultureInfo.InvariantCulture, $"agent-{_names++}"),
                through ? new Uri($"http://127.0.0.1:{Relay!.Port}") : null));
    }

    public async Task RemoveAgentsAsync()
    {
        foreach (var (agent, _) in _agents)
            agent.Dispose();
        _agents.Clear();
        await Relay!.DisposeAsync();
    }

    /// <summary>Deploys a change; returns the milliseconds from the response of the finalize until the last agent has flipped.</summary>
    public async Task<double> DeployAsync()
    {
        Project.Change(folder, ++_round);
        var archive = Path.Join(site.Folder, "project.tar");
        await ChildProcess.RunAsync(["tar", "-cf", archive, "-C", folder, "dags"]);
        var prepared = await site.PrepareDeployAsync(archive);
        // Deploys usually start on an idle server.
        await RestAsync();
        await site.FinalizeAsync(prepared);
        var finalized = TimeProvider.System.GetUtcNow();
        var links = _agents.Select(agent => Path.Join(agent.Root, ".updraft/current")).ToList();
        var marker = string.Create(CultureInfo.InvariantCulture, $"ROUND = {_round}");
        while (!_agents.TrueForAll(agent => HasRound(agent.Root, marker)))
        {
            if (TimeProvider.System.GetUtcNow() - finalized > Deadline)
                throw new BenchException(
                    "An agent does not receive the deploy.\n" + _agents.First(agent => !HasRound(agent.Root, marker)).Agent.Output);
            await Task.Delay(100);
        }
        return await Delivery.NewestAsync(links, finalized);
    }

    /// <summary>Waits until server and agents have prepared for the next deploy.</summary>
    public async Task RestAsync()
    {
        // The preparation starts half a second after a deploy, and ends with a wait for the disk.
        await Task.Delay(800);
        await ChildProcess.RunAsync(["sync"]);
        await IdleAsync();
    }

    private async Task IdleAsync()
    {
        TimeSpan before;
        do
        {
            before = Busy();
            await Task.Delay(300);
        }
        while (Busy() - before > TimeSpan.FromMilliseconds(30));
    }

    public void Dispose()
    {
        foreach (var (agent, _) in _agents)
            agent.Dispose();
    }

    private TimeSpan Busy() => _agents.Aggregate(site.Server.CpuTime, (sum, agent) => sum + agent.Agent.CpuTime);

    private static bool HasRound(string root, string marker)
    {
        try
        {
            return File.ReadLines(Path.Join(root, Project.PathOf(2345))).First() == marker;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
