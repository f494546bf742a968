using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

/// <summary>
/// Fault catalog row G1: the kernel kills the shipped agent at its first flush, then at its second, and so on until a run succeeds. The
/// same happens for renames, links, new directories, removals and changes of times. After each kill, Airflow finds the complete old tree or
/// the complete new tree. The next start converges and leaves no temporary files.
/// </summary>
[Trait("Runs", "ci")] // Kills the agent up to 60 times per system call, under strace.
[Trait("Database", "any")]
public sealed class AgentKillTests
{
    /// <summary>More calls of one kind than one thread makes for a small deploy.</summary>
    private const int MaxRounds = 60;

    [Theory]
    [InlineData("/^(fsync|syncfs)$")]
    [InlineData("/^rename")]
    [InlineData("/^symlink")]
    [InlineData("/^link")]
    [InlineData("/^mkdir")]
    [InlineData("/^(unlink|rmdir)")]
    [InlineData("/^utimensat")]
    public async Task Agent_killed_at_any_step_leaves_a_whole_tree_and_converges(string calls)
    {
        await using var installation = await Installation.StartAsync();
        // The agent keeps no earlier trees, so each deploy makes it remove files.
        var agent = await installation.StartAgentAsync(null, "--keep-trees", "0", "--keep-minutes", "0");
        var old = Tree.Stamped(3, "round 0").With("same.txt", "the same in every round");
        await installation.DeployAsync(old);
        await agent.SeesAsync(old);
        agent.Kill();

        var kills = 0;
        for (var round = 1; ; round++)
        {
            Assert.True(round <= MaxRounds, $"The agent makes more than {MaxRounds} calls of {calls}.");
            var next = Tree.Stamped(3 + round % 3, $"round {round}").With("same.txt", "the same in every round");
            await installation.DeployAsync(next);
            var (exit, output) = await agent.ConvergeAsync("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + calls,
                "-e", $"inject={calls}:signal=KILL:when={round}");
            var isWhole = old.Difference(agent.Dags) is null || next.Difference(agent.Dags) is null;
            Assert.True(isWhole, $"Round {round}: a partial deploy is visible.");
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
