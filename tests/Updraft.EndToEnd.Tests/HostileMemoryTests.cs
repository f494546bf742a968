using System.Net;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

/// <summary>Memory of the published server while it rejects hostile archives.</summary>
[Trait("Runs", "ci")] // Measures memory, which other programs on the machine influence.
public sealed class HostileMemoryTests(ITestOutputHelper output)
{
    private const int GoodDeploys = 20, FilesPerDeploy = 500;
    private const long MaxAboveRest = 64L * 1024 * 1024;

    [Fact]
    public async Task Hostile_archives_need_less_than_64_MiB_above_rest()
    {
        await using var installation = await Installation.StartAsync();
        var tree = Tree.WithDags(FilesPerDeploy);
        for (var i = 0; i < GoodDeploys; i++)
            await installation.DeployAsync(tree.With($"changed_{i}.py", Tree.Noise(1_000)));
        var url = (await installation.CreateDeployAsync(new() { ["type"] = "DAG_ONLY" })).Text("dagsUploadUrl");
        var rest = installation.Server.MemoryBytes;
        installation.Server.ForgetPeakMemory();

        var (most, name) = (0L, "");
        foreach (var (hostile, row) in HostileArchives.All)
        {
            var (status, text) = await installation.UploadRejectedAsync(url, row.Archive());
            Assert.True(status == HttpStatusCode.BadRequest, $"{hostile}: {(int)status} {text}");
            if (installation.Server.PeakMemoryBytes > most)
                (most, name) = (installation.Server.PeakMemoryBytes, hostile);
        }

        output.WriteLine($"{HostileArchives.All.Count} archives: {rest >> 20} MiB at rest, peak of {most >> 20} MiB at '{name}'");
        Assert.InRange(most - rest, long.MinValue, MaxAboveRest);
    }
}
