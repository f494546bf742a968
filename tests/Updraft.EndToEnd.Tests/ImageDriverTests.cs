using System.Text.Json.Nodes;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

/// <summary>
/// The image driver <c>exec</c> with a real process that it restarts. The tests read the environment of that process and the public API.
/// </summary>
[Trait("Runs", "ci")] // Starts and kills processes, and waits for restarts.
public sealed class ImageDriverTests : IDisposable
{
    private readonly StandInAirflow _service = new();

    public void Dispose() => _service.Dispose();

    [Fact]
    public async Task Deployed_image_runs_in_a_new_process_with_its_reference()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await StartAgentAsync(installation);
        var dags = Tree.Stamped(3, "one");
        await installation.DeployAsync(dags);
        await agent.SeesAsync(dags);
        Assert.Null(_service.ProcessId);

        var one = await DeployImageAsync(installation);
        await RunsAsync(installation, agent, one.Reference);
        var first = _service.ProcessId!.Value;
        var two = await DeployImageAsync(installation);
        await RunsAsync(installation, agent, two.Reference);
        Assert.False(StandInAirflow.IsAlive(first));
        var steps = await installation.GetStepsAsync(two.Id, "agent-0");
        Assert.Equal("COMPLETED", steps["image"].Status);
        Assert.Equal(
            $"Rolling out {two.Reference} in place of {one.Reference}.\nstopping the old process\nstarted {two.Reference}\n"
                + $"{two.Reference} runs.",
            steps["image"].Log);

        // A deploy of DAGs alone and a restart of the agent do not restart the process.
        var second = _service.ProcessId!.Value;
        agent.Kill();
        agent.Start();
        var more = Tree.Stamped(3, "two");
        await installation.DeployAsync(more);
        await agent.SeesAsync(more);
        Assert.Equal(second, _service.ProcessId);
        Assert.Equal(two.Reference, _service.Image);
    }

    [Theory]
    [InlineData(false, "the command ended with exit code 7", "exec format error")]
    [InlineData(true, "the command took longer than 5 s", "waiting for the database")]
    public async Task Failing_image_fails_the_deploy_and_the_old_image_runs_again(bool hangs, string reason, string output)
    {
        await using var installation = await Installation.StartAsync();
        var agent = await StartAgentAsync(installation);
        var other = await installation.StartAgentAsync();
        var dags = Tree.Stamped(3, "one");
        await installation.DeployAsync(dags);
        var good = await DeployImageAsync(installation);
        await RunsAsync(installation, agent, good.Reference);
        await other.SeesAsync(dags);

        var bad = await installation.CreateImageDeployAsync();
        if (hangs)
            _service.HangWith(bad.Reference);
        else
            _service.FailWith(bad.Reference);
        await installation.FinalizeImageAsync(bad.Id);

        await Eventually.TrueAsync(
            async () => (await installation.GetDeployAsync(bad.Id)).Text("status") == "FAILED", "the deploy is FAILED", () => agent.Log);
        Assert.False(_service.IsHanging);
        await RunsAsync(installation, agent, good.Reference);
        var back = (await installation.ListDeploysAsync())[0]!;
        Assert.Equal((good.Id, "DEPLOYED"), (back.Text("rollbackFromId"), back.Text("status")));
        Assert.StartsWith(
            $"Automatic rollback: the image of deploy {bad.Id} did not become ready at agent-0 on ", back.Text("description"));
        var steps = await installation.GetStepsAsync(bad.Id, "agent-0");
        Assert.Equal(("FAILED", "COMPLETED"), (steps["image"].Status, steps["image-restore"].Status));
        Assert.Contains(output, steps["image"].Log);
        Assert.EndsWith(reason[1..] + ".", steps["image"].Log);
        Assert.Contains($"started {good.Reference}", steps["image-restore"].Log);
        Assert.Contains($"The image {bad.Reference} does not run: {reason}. {good.Reference} was restored.", steps["prepared"].Log);
        var restored = _service.ProcessId;

        var next = await DeployImageAsync(installation);
        await RunsAsync(installation, agent, next.Reference);
        Assert.NotEqual(restored, _service.ProcessId);
        await other.SeesAsync(dags);
    }

    private Task<AgentOnDisk> StartAgentAsync(Installation installation) =>
        installation.StartAgentAsync(null, "--image-driver", "exec", "--image-command", _service.Command, "--image-timeout", "5");

    private static async Task<(string Id, string Reference)> DeployImageAsync(Installation installation)
    {
        var deploy = await installation.CreateImageDeployAsync();
        await installation.FinalizeImageAsync(deploy.Id);
        return deploy;
    }

    private async Task RunsAsync(Installation installation, AgentOnDisk agent, string image)
    {
        await Eventually.TrueAsync(() => _service.Image == image, $"{image} runs", () => $"{_service.Image} runs\n{agent.Log}");
        JsonNode? deployment = null;
        await Eventually.TrueAsync(async () =>
        {
            deployment = await installation.GetDeploymentAsync();
            return deployment.Text("status") == "HEALTHY" && image.EndsWith(":" + deployment.Text("imageTag"), StringComparison.Ordinal);
        }, $"the Deployment is HEALTHY with {image}", () => $"{deployment}\n{agent.Log}");
    }
}
