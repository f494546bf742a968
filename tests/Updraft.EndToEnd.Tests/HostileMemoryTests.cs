using System.Net;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

/// <summary>Section B.6 against the published server: what hostile archives cost it.</summary>
public sealed class HostileMemoryTests(ITestOutputHelper output)
{
    private const int GoodDeploys = 20, FilesPerDeploy = 500;
    private const long MaxAboveRest = 64L * 1024 * 1024;

    [Fact]
    public async Task The_whole_hostile_set_needs_less_than_64_MiB_of_the_servers_memory_above_rest()
    {
        await using var installation = await Installation.StartAsync();
        var tree = Tree.WithDags(FilesPerDeploy);
        for (var i = 0; i < GoodDeploys; i++)
            await installation.DeployAsync(tree.With($"changed_{i}.py", Tree.Noise(1_000)));
        var address = (await installation.CreateDeployAsync(new() { ["type"] = "DAG_ONLY" })).Text("dagsUploadUrl");
        var rest = installation.Server.MemoryBytes;
        installation.Server.ForgetPeakMemory();

        var (most, name) = (0L, "");
        foreach (var (hostile, row) in HostileArchives.All)
        {
            var (status, text) = await installation.UploadRefusedAsync(address, row.Archive());
            Assert.True(status == HttpStatusCode.BadRequest, $"{hostile}: {(int)status} {text}");
            if (installation.Server.PeakMemoryBytes > most)
                (most, name) = (installation.Server.PeakMemoryBytes, hostile);
        }

        output.WriteLine($"{HostileArchives.All.Count} archives: {rest >> 20} MiB at rest, {most >> 20} MiB at most, first at '{name}'");
        Assert.InRange(most - rest, long.MinValue, MaxAboveRest);
    }
}
