using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

[Trait("Runs", "ci")] // Kills server and agent, and waits for their next start.
public sealed class CrashTests
{
    [Fact]
    public async Task Finalized_deploy_survives_a_server_kill_and_reaches_the_agent()
    {
        await using var installation = await Installation.StartAsync();
        var dags = Tree.WithDags(100);
        var deploy = await installation.DeployAsync(dags);

        installation.KillServer();
        await installation.StartServerAsync();

        Assert.Equal("DEPLOYED", (await installation.GetDeployAsync(deploy)).Text("status"));
        var agent = await installation.StartAgentAsync();
        await agent.SeesAsync(dags);
    }

    [Fact]
    public async Task Running_agent_converges_after_a_server_kill_and_restart()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        await installation.DeployAsync(Tree.Stamped(3, "one"));
        await agent.SeesAsync(Tree.Stamped(3, "one"));

        installation.KillServer();
        await installation.StartServerAsync();
        await installation.DeployAsync(Tree.Stamped(3, "two"));

        await agent.SeesAsync(Tree.Stamped(3, "two"));
    }

    [Fact]
    public async Task Upload_survives_a_server_kill_before_the_finalize()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        var dags = Tree.WithDags(20);
        var deploy = await installation.CreateDeployAsync(new() { ["type"] = "DAG_ONLY" });
        var version = await installation.UploadAsync(deploy.Text("dagsUploadUrl"), new ByteArrayContent(dags.ToTar("dags")));

        installation.KillServer();
        await installation.StartServerAsync();
        await installation.FinalizeAsync(deploy.Text("id"), "dagTarballVersion", version);

        await agent.SeesAsync(dags);
    }

    [Fact]
    public async Task Agent_killed_during_a_build_converges_after_its_restart()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        var running = Tree.Stamped(3, "running");
        await installation.DeployAsync(running);
        await agent.SeesAsync(running);
        var large = Tree.WithDags(3000);

        await installation.DeployAsync(large);
        await Eventually.TrueAsync(() => Directory.GetDirectories(Path.Join(agent.Root, ".updraft", "trees")).Length > 1,
            "the agent has begun a second tree", () => agent.Log);
        agent.Kill();
        Assert.True(running.Difference(agent.Dags) is null || large.Difference(agent.Dags) is null, "A partial deploy is visible.");
        agent.Start();

        await agent.SeesAsync(large);
    }

    [Fact]
    public async Task Killed_agent_leaves_the_mount_unchanged()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        var dags = Tree.WithDags(20);
        await installation.DeployAsync(dags);
        await agent.SeesAsync(dags);

        agent.Kill();

        Assert.Null(dags.Difference(agent.Dags));
    }

    [Fact]
    public async Task Agent_started_without_server_keeps_the_mount_and_converges_later()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        var (one, two) = (Tree.Stamped(3, "one"), Tree.Stamped(3, "two"));
        await installation.DeployAsync(one);
        await agent.SeesAsync(one);
        agent.Kill();
        await installation.DeployAsync(two);
        installation.KillServer();

        agent.Start();
        await Eventually.TrueAsync(() => agent.Log.Contains(installation.Address.Port.ToString(provider: null), StringComparison.Ordinal)
            || agent.Log.Contains("refused", StringComparison.OrdinalIgnoreCase),
            "the agent has reported the unreachable server", () => agent.Log);
        Assert.Null(one.Difference(agent.Dags));
        await installation.StartServerAsync();

        await agent.SeesAsync(two);
    }
}
