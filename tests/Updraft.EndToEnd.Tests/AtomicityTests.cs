using System.Collections.Concurrent;
using System.Globalization;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

[Trait("Runs", "ci")] // Reads a mount in a loop for a minute while deploys replace it.
public sealed class AtomicityTests
{
    private const int Rounds = 100, FilesPerTree = 24;
    private const string Bundle = "dbt/shop";

    [Fact]
    public async Task Readers_see_whole_revisions_only_during_200_deploys_and_200_rollbacks()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        var deployed = new ConcurrentDictionary<(string Dags, string Bundle), bool>();
        var before = await DeployBothAsync(installation, deployed, "start", "0");
        await agent.SeesAsync($"{Bundle}/part_0/file_00.txt", "0");

        using var end = new CancellationTokenSource();
        var reader = new MountReader(FilesPerTree);
        var current = Path.Join(agent.Root, ".updraft", "current");
        Task<(int Passes, string? Fault)>[] readers =
        [
            // Both bundles of the state to which the link "current" points at one moment.
            reader.RunAsync(() => Below(MountReader.Resolve(current)), stamps => deployed.ContainsKey((stamps[0], stamps[1])), end.Token),
            // A process that resolved the DAG directory once keeps reading from there.
            reader.RunAsync(() => [MountReader.Resolve(agent.Dags)], _ => true, end.Token),
        ];
        var (last, lastStamp) = (before, "0");
        for (var round = 1; round <= Rounds; round++)
        {
            var stamp = round.ToString(CultureInfo.InvariantCulture);
            var next = await DeployBothAsync(installation, deployed, lastStamp, stamp);
            await agent.SeesAsync($"{Bundle}/part_0/file_00.txt", stamp);
            // Roll back to the deploy before this round, and then to the newest deploy: both bundles change in one step.
            await installation.RollBackAsync(last);
            await agent.SeesAsync($"{Bundle}/part_0/file_00.txt", lastStamp);
            await installation.RollBackAsync(next);
            await agent.SeesAsync($"{Bundle}/part_0/file_00.txt", stamp);
            (last, lastStamp) = (next, stamp);
            if (readers.FirstOrDefault(task => task.IsCompleted) is { } early)
                Assert.Fail($"In round {round}: {(await early).Fault}\n{agent.Log}");
        }
        await end.CancelAsync();

        foreach (var (passes, fault) in await Task.WhenAll(readers))
        {
            Assert.Null(fault);
            Assert.True(passes >= Rounds, $"The reader made only {passes} passes.");
        }
    }

    private static string[] Below(string state) => [Path.Join(state, "dags"), Path.Join(state, Bundle)];

    /// <summary>Makes two deploys, one for each bundle; returns the id of the second.</summary>
    private static async Task<string> DeployBothAsync(Installation installation, ConcurrentDictionary<(string, string), bool> deployed,
        string bundleSoFar, string stamp)
    {
        deployed[(stamp, bundleSoFar)] = true;
        await installation.DeployAsync(Tree.Stamped(FilesPerTree, stamp));
        deployed[(stamp, stamp)] = true;
        return await installation.DeployBundleAsync(Bundle, Tree.Stamped(FilesPerTree, stamp));
    }
}
