using Updraft.Server.Tests.Database;

namespace Updraft.Server.Tests.Rollouts;

public sealed class WaitForStateRaceTests
{
    private const string Version = "2026-01-01T00:00:00.0000001Z";

    [Fact]
    public async Task Revision_committed_between_read_and_wait_ends_the_wait()
    {
        using var hook = new DatabaseHook();
        await using var server = await UpdraftServer.StartAsync();
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        long revision = 0;
        var committing = hook.AfterReadAsync(server, IsLook, async () => revision = await site.CommitAsync(Version));

        // Without the notification the server answers "no news" at the end of the wait.
        var state = await agent.AskAsync(0, "ACTIVATE", wait: 60);

        await committing;
        Assert.Equal((1, 1), (revision, state?.Revision));
    }

    /// <summary>The query that compares the agent's state with the newest revision.</summary>
    private static bool IsLook(string sql) => sql.Contains("FROM agents", StringComparison.Ordinal) && sql.Contains("JOIN deployments", StringComparison.Ordinal);
}
