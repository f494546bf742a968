using System.Globalization;

namespace Updraft.Bench;

/// <summary>
/// P2: how long until the last of fifty machines has a deploy with one changed file of 5,000, beside fifty <c>git fetch</c> with
/// checkout and fifty <c>rsync</c>, all triggered at once; and P3: how many bytes it takes. Agents wait anyway; what triggers git and rsync
/// is not counted. When a machine has the change is read from the file system afterwards: when the link was flipped, or the file written.
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
        table.Value("P2", "finalize to active, one agent, 99 of 100 deploys", Figures.Percentile(alone, 0.99), Figures.Milliseconds, Goal.AtMost(150));

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
        table.Ratio("P2", $"finalize to active, last of {machines} agents: git, {machines} clones", Figures.Median(updraft), Figures.Median(fetches), Figures.Milliseconds,
            Goal.AtMost(0.1));
        table.Ratio("P2", $"finalize to active, last of {machines} agents: rsync, {machines} directories", Figures.Median(updraft), Figures.Median(copies), Figures.Milliseconds,
            Goal.AtMost(0.3));
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
        table.Ratio("P3", "bytes to one agent, one file changed of 5,000: rsync", updraft, relay.Passed - before, Figures.Bytes, Goal.AtMost(0.25));
        await deployer.RemoveAgentsAsync();
    }

    /// <summary>When the newest of these got its name, in milliseconds after a time.</summary>
    public static async Task<double> NewestAsync(IEnumerable<string> paths, DateTimeOffset since)
    {
        // Not the time of the content, which rsync sets, but that of the last change of the file or link itself.
        var times = (await ChildProcess.RunAsync(["stat", "-c", "%.6Z", .. paths])).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var newest = times.Max(time => decimal.Parse(time, CultureInfo.InvariantCulture));
        return (double)(newest * 1000) - (since - DateTimeOffset.UnixEpoch).TotalMilliseconds;
    }
}

/// <summary>Changes a file, deploys the project, waits for the agents.</summary>
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

    /// <summary>Deploys a change; milliseconds from the answer of the finalize until the last agent has flipped.</summary>
    public async Task<double> DeployAsync()
    {
        Project.Change(folder, ++_round);
        var archive = Path.Join(site.Folder, "project.tar");
        await ChildProcess.RunAsync(["tar", "-cf", archive, "-C", folder, "dags"]);
        var prepared = await site.PrepareDeployAsync(archive);
        // As between two deploys.
        await RestAsync();
        await site.FinalizeAsync(prepared);
        var answered = TimeProvider.System.GetUtcNow();
        var links = _agents.Select(agent => Path.Join(agent.Root, ".updraft/current")).ToList();
        var marker = string.Create(CultureInfo.InvariantCulture, $"ROUND = {_round}");
        while (!_agents.TrueForAll(agent => Sees(agent.Root, marker)))
        {
            if (TimeProvider.System.GetUtcNow() - answered > Deadline)
                throw new BenchException("An agent does not get the deploy.\n" + _agents.First(agent => !Sees(agent.Root, marker)).Agent.Output);
            await Task.Delay(100);
        }
        return await Delivery.NewestAsync(links, answered);
    }

    /// <summary>Waits until server and agents have done what they do after a deploy for the next one.</summary>
    public async Task RestAsync()
    {
        // They begin with it half a second later, and wait for the disk at its end.
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

    private static bool Sees(string root, string marker)
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
