using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>Named DAG bundles: several mounts in one directory, which the agent creates and removes.</summary>
public sealed class NamedBundleTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await StandInServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Bundles_are_mounted_together_and_directory_goes_with_last()
    {
        _agent.Start(_server.Address);
        await DeployAsync(("dags", "main"), ("bundles/finance", "f"), ("bundles/team_1", "t"));
        Assert.Equal(".updraft bundles dags", _agent.Top());
        Assert.Equal(("f", "t"), (_agent.Texts("bundles/finance")["a.py"], _agent.Texts("bundles/team_1")["a.py"]));

        await DeployAsync(("dags", "main"), ("bundles/team_1", "t"));
        Assert.False(Path.Exists(Path.Join(_agent.Root, "bundles/finance")));
        Assert.Equal("t", _agent.Texts("bundles/team_1")["a.py"]);

        await DeployAsync(("dags", "main"));
        Assert.Equal(".updraft dags", _agent.Top());
    }

    [Fact]
    public async Task Unmanaged_directory_is_used_and_stays()
    {
        Directory.CreateDirectory(Path.Join(_agent.Root, "bundles"));
        File.WriteAllText(Path.Join(_agent.Root, "bundles", "mine.txt"), "mine");
        _agent.Start(_server.Address);
        await DeployAsync(("dags", "main"), ("bundles/finance", "f"));
        await DeployAsync(("dags", "main"));

        var entries = Directory.GetFileSystemEntries(Path.Join(_agent.Root, "bundles"));
        Assert.Equal("mine.txt", string.Join(' ', entries.Select(Path.GetFileName)));
    }

    [Fact]
    public async Task Bundle_that_contains_another_is_rejected()
    {
        _server.Deploy(("bundles/finance", Tree.Of(("a.py", "f"))), ("bundles", Tree.Of(("a.py", "all"))));
        _agent.Start(_server.Address);

        Assert.Contains("lies within", (await _server.WaitForFailureAsync(1)).Message, StringComparison.Ordinal);
        Assert.Equal(".updraft dags", _agent.Top());
    }

    [Fact]
    public async Task Only_DAG_bundles_are_checked()
    {
        const string Check = "echo $UPDRAFT_MOUNT >> ../../checked; ! grep -q bad \"$UPDRAFT_STAGED\"/a.py";
        _agent.Configure = options => options with { Check = Check };
        _agent.Start(_server.Address);
        await DeployAsync(("dags", "good"), ("bundles/finance", "good too"), ("dbt/shop", "bad, but no DAG"));
        Assert.Equal(["dags", "bundles/finance"], File.ReadAllLines(_agent.Own("checked")));

        _server.Deploy(("dags", Tree.Of(("a.py", "good"))), ("bundles/finance", Tree.Of(("a.py", "bad"))));
        await _server.WaitForFailureAsync(2);

        Assert.Equal("good too", _agent.Texts("bundles/finance")["a.py"]);
    }

    private async Task DeployAsync(params (string Path, string Text)[] mounts) => await _server.WaitForActiveAsync(
        _server.Deploy([.. mounts.Select(mount => (mount.Path, Tree.Of(("a.py", mount.Text))))]));
}
