using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

/// <summary>
/// Row G1: the agent that is shipped, killed by the kernel at the first, second, third... flush, rename, link, new folder,
/// removal or change of times, until it gets through. What Airflow sees is the old tree or the new one, whole; the next start converges and
/// leaves nothing behind.
/// </summary>
[Trait("Runs", "ci")] // Kills the agent up to 60 times per system call, under strace.
[Trait("Database", "any")]
public sealed class AgentKillTests
{
    /// <summary>More calls of one kind than a small deploy makes in one thread.</summary>
    private const int MaxRounds = 60;

    [Theory]
    [InlineData("/^(fsync|syncfs)$")]
    [InlineData("/^rename")]
    [InlineData("/^symlink")]
    [InlineData("/^link")]
    [InlineData("/^mkdir")]
    [InlineData("/^(unlink|rmdir)")]
    [InlineData("/^utimensat")]
    public async Task An_agent_that_is_killed_at_any_step_leaves_a_whole_tree_and_then_converges(string calls)
    {
        await using var installation = await Installation.StartAsync();
        // Nothing earlier is kept, so that there is something to remove.
        var agent = await installation.StartAgentAsync(null, "--keep-trees", "0", "--keep-minutes", "0");
        var old = Tree.Stamped(3, "round 0").With("same.txt", "the same in every round");
        await installation.DeployAsync(old);
        await agent.SeesAsync(old);
        agent.Kill();

        var kills = 0;
        for (var round = 1; ; round++)
        {
            Assert.True(round <= MaxRounds, $"the agent makes more than {MaxRounds} calls {calls}");
            var next = Tree.Stamped(3 + round % 3, $"round {round}").With("same.txt", "the same in every round");
            await installation.DeployAsync(next);
            var (exit, output) = await agent.ConvergeAsync("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + calls,
                "-e", $"inject={calls}:signal=KILL:when={round}");
            Assert.True(old.Difference(agent.Dags) is null || next.Difference(agent.Dags) is null, $"round {round}: half a deploy is visible");
            var (restarted, log) = exit == 0 ? (0, output) : await agent.ConvergeAsync();
            Assert.True(restarted == 0, log);
            Assert.Null(next.Difference(agent.Dags));
            Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(Path.Join(agent.Root, ".updraft"), "*", SearchOption.AllDirectories),
                path => path.EndsWith(".partial", StringComparison.Ordinal) || path.EndsWith(".updraft-tmp", StringComparison.Ordinal));
            if (exit == 0)
                break;
            kills++;
            old = next;
        }

        Assert.InRange(kills, 1, MaxRounds);
        TestContext.Current.SendDiagnosticMessage($"{calls}: killed {kills} times");
    }
}
