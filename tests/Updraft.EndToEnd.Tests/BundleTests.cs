using System.Globalization;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

/// <summary>Three bundles in one Deployment: the default DAG bundle, one with a name, and a dbt project.</summary>
public sealed class BundleTests
{
    private const int Rounds = 25, FilesPerTree = 24;
    private const string Finance = "bundles/finance", Shop = "dbt/shop", Probe = "part_0/file_00.txt";

    private static readonly string[] Mounts = ["dags", Finance, Shop];

    [Fact]
    public async Task Deploy_of_one_bundle_leaves_other_bundles_unchanged()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        var finance = await installation.CreateDagBundleAsync("finance");
        await DeployAllAsync(installation, "one");
        await agent.SeesAsync($"{Shop}/{Probe}", "one");
        var before = await ViewAsync(agent);

        await installation.DeployToAsync("finance", Tree.Stamped(FilesPerTree, "two"));
        await agent.SeesAsync($"{Finance}/{Probe}", "two");

        var after = await ViewAsync(agent);
        Assert.Equal(before["dags"], after["dags"]);
        Assert.Equal(before[Shop], after[Shop]);
        Assert.Empty(before[Finance].Intersect(after[Finance]));

        // Roll back one bundle. Its current version equals its desired version after the next report of the agent.
        Assert.Equal(3, (await installation.ListBundlesAsync()).Count);
        var version = (await installation.GetBundleAsync(finance)).Text("desiredVersion");
        await installation.DeployToAsync("finance", Tree.Stamped(FilesPerTree, "three"));
        await agent.SeesAsync($"{Finance}/{Probe}", "three");
        await installation.RollBackBundleAsync(finance, version);
        await agent.SeesAsync(Tree.Stamped(FilesPerTree, "two"), Finance);
        var last = await ViewAsync(agent);
        Assert.Equal(before["dags"], last["dags"]);
        Assert.Equal(before[Shop], last[Shop]);
        await Eventually.TrueAsync(
            async () => (await installation.GetBundleAsync(finance))["currentVersion"]?.GetValue<string>() == version,
            "the agent has reported the version", () => agent.Log);
    }

    [Fact]
    public async Task Deleted_bundle_is_removed_from_disk_and_then_from_list()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        var finance = await installation.CreateDagBundleAsync("finance");
        await DeployAllAsync(installation, "one");
        await agent.SeesAsync($"{Shop}/{Probe}", "one");
        // A bundle that no agent has reported as mounted is deleted at once.
        await Eventually.TrueAsync(
            async () => (await installation.GetBundleAsync(finance))["currentVersion"]?.GetValue<string>() is { Length: > 0 },
            "the agent has reported the bundle", () => agent.Log);

        await installation.DeleteBundleAsync(finance);

        await Eventually.TrueAsync(async () => (await installation.ListBundlesAsync()).Count == 2, "the bundle is gone", () => agent.Log);
        Assert.False(Path.Exists(Path.Join(agent.Root, "bundles")));
        await agent.SeesAsync(Tree.Stamped(FilesPerTree, "one"));
        await agent.SeesAsync(Tree.Stamped(FilesPerTree, "one"), Shop);
    }

    [Fact]
    public async Task Rollback_of_a_deploy_flips_all_three_bundles_at_once()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        await installation.CreateDagBundleAsync("finance");
        var (last, lastStamp) = (await DeployAllAsync(installation, "0"), "0");
        await agent.SeesAsync($"{Shop}/{Probe}", "0");

        using var end = new CancellationTokenSource();
        var current = Path.Join(agent.Root, ".updraft", "current");
        var passes = 0;
        // Deploys change one bundle after another. Rollbacks change all bundles in one step, and readers must not find a mixture.
        HashSet<string> allowed = ["0 0 0"];
        var reading = new MountReader(FilesPerTree).RunAsync(
            () => MountReader.Resolve(current) is var state ? [.. Mounts.Select(mount => Path.Join(state, mount))] : [],
            stamps => Interlocked.Increment(ref passes) > 0 && Volatile.Read(ref allowed).Contains(string.Join(' ', stamps)), end.Token);
        for (var round = 1; round <= Rounds; round++)
        {
            var stamp = round.ToString(CultureInfo.InvariantCulture);
            Volatile.Write(ref allowed, [All(lastStamp), $"{stamp} {lastStamp} {lastStamp}", $"{stamp} {stamp} {lastStamp}", All(stamp)]);
            var next = await DeployAllAsync(installation, stamp);
            await agent.SeesAsync($"{Shop}/{Probe}", stamp);
            await PassesEndAsync();
            Volatile.Write(ref allowed, [All(lastStamp), All(stamp)]);
            await installation.RollBackAsync(last);
            await agent.SeesAsync($"{Shop}/{Probe}", lastStamp);
            await installation.RollBackAsync(next);
            await agent.SeesAsync($"{Shop}/{Probe}", stamp);
            (last, lastStamp) = (next, stamp);
            await PassesEndAsync();
            if (reading.IsCompleted)
                Assert.Fail($"In round {round}: {(await reading).Fault}\n{agent.Log}");
        }
        await end.CancelAsync();

        Assert.Null((await reading).Fault);
        Assert.True(passes >= Rounds, $"The reader made only {passes} passes.");

        // A pass that began before the last flip compares with the stamps that were allowed at that time.
        Task PassesEndAsync()
        {
            var seen = Volatile.Read(ref passes);
            return Eventually.TrueAsync(
                () => reading.IsCompleted || Volatile.Read(ref passes) >= seen + 2, "the reader continues", () => agent.Log);
        }
    }

    private static string All(string stamp) => $"{stamp} {stamp} {stamp}";

    /// <summary>Makes three deploys, one for each bundle, in the order of the mount paths; returns the id of the last.</summary>
    private static async Task<string> DeployAllAsync(Installation installation, string stamp)
    {
        await installation.DeployAsync(Tree.Stamped(FilesPerTree, stamp));
        await installation.DeployToAsync("finance", Tree.Stamped(FilesPerTree, stamp));
        return await installation.DeployBundleAsync(Shop, Tree.Stamped(FilesPerTree, stamp));
    }

    /// <summary>Every file of each mount, with its inode and time.</summary>
    private static async Task<Dictionary<string, SortedDictionary<string, DiskFile>>> ViewAsync(AgentOnDisk agent)
    {
        var view = new Dictionary<string, SortedDictionary<string, DiskFile>>();
        foreach (var mount in Mounts)
        {
            var files = await DiskFile.ListAsync(Path.Join(agent.Root, mount));
            Assert.Equal(FilesPerTree, files.Count);
            view[mount] = new(files.ToDictionary(), StringComparer.Ordinal);
        }
        return view;
    }
}
