using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

/// <summary>5,000 files are deployed, one of them is changed and deployed, and that is rolled back; looked at after each step.</summary>
public sealed class OneChangedFileOf5000 : IAsyncLifetime
{
    public const string Changed = "team_07/pipeline_00007.py";

    private const int Overhead = 16 * 1024;

    public IReadOnlyDictionary<string, DiskFileView> Before { get; private set; } = new Dictionary<string, DiskFileView>();

    public IReadOnlyDictionary<string, DiskFileView> After { get; private set; } = new Dictionary<string, DiskFileView>();

    public IReadOnlyDictionary<string, DiskFileView> RolledBack { get; private set; } = new Dictionary<string, DiskFileView>();

    /// <summary>When the second deploy, and when the rollback, was asked for.</summary>
    public (DateTimeOffset Deploy, DateTimeOffset Rollback) Asked { get; private set; }

    public long ReceivedBytes { get; private set; }

    public long AllowedBytes { get; private set; }

    public async ValueTask InitializeAsync()
    {
        await using var installation = await Installation.StartAsync();
        await using var proxy = new Relay(installation.Address);
        var agent = await installation.StartAgentAsync(proxy.Address);
        var first = Tree.WithDags(5000);
        var second = first.With(Changed, Tree.Noise(20_000));
        var deploy = await installation.DeployAsync(first);
        await agent.SeesAsync(first);
        await HealthyAsync(installation);
        Before = await ViewAsync(agent);

        var received = proxy.Received;
        var asked = TimeProvider.System.GetUtcNow();
        await installation.DeployAsync(second);
        await agent.SeesAsync(second);
        await HealthyAsync(installation);
        (ReceivedBytes, AllowedBytes) = (proxy.Received - received, second.Files[Changed].Length + Overhead);
        After = await ViewAsync(agent);

        Asked = (asked, TimeProvider.System.GetUtcNow());
        await installation.RollBackAsync(deploy);
        await agent.SeesAsync(first);
        RolledBack = await ViewAsync(agent);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static Task HealthyAsync(Installation installation) => Eventually.TrueAsync(
        async () => (await installation.GetDeploymentAsync()).Text("status") == "HEALTHY", "the agent has reported");

    private static async Task<IReadOnlyDictionary<string, DiskFileView>> ViewAsync(AgentOnDisk agent) =>
        (await DiskFile.ListAsync(agent.Dags)).ToDictionary(file => file.Key, file => new DiskFileView(file.Value.Inode, file.Value.Changed));
}

/// <summary>A file as the file system had it.</summary>
public sealed record DiskFileView(long Inode, DateTimeOffset Changed);

public sealed class DeltaTests(OneChangedFileOf5000 story) : IClassFixture<OneChangedFileOf5000>
{
    [Fact]
    public void An_agent_receives_the_changed_file_and_at_most_16_KiB_more() => Assert.InRange(story.ReceivedBytes, 1, story.AllowedBytes);

    [Fact]
    public void Unchanged_files_keep_their_inode_and_time()
    {
        Assert.Equal(5000, story.Before.Count);
        Assert.Equal(Unchanged(story.Before), Unchanged(story.After));
    }

    [Fact]
    public void A_changed_file_is_a_new_file_with_the_time_of_its_deploy()
    {
        Assert.NotEqual(story.Before[OneChangedFileOf5000.Changed].Inode, story.After[OneChangedFileOf5000.Changed].Inode);
        Assert.InRange(story.After[OneChangedFileOf5000.Changed].Changed, story.Asked.Deploy, story.Asked.Rollback);
    }

    [Fact]
    public void A_rollback_gives_the_file_that_it_changes_back_a_fresh_time() =>
        Assert.True(story.RolledBack[OneChangedFileOf5000.Changed].Changed >= story.Asked.Rollback);

    [Fact]
    public void A_rollback_leaves_unchanged_files_alone() => Assert.Equal(Unchanged(story.Before), Unchanged(story.RolledBack));

    private static SortedDictionary<string, DiskFileView> Unchanged(IReadOnlyDictionary<string, DiskFileView> files) =>
        new(files.Where(file => file.Key != OneChangedFileOf5000.Changed).ToDictionary(), StringComparer.Ordinal);
}
