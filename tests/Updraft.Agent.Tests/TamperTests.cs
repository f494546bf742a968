using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

/// <summary>
/// A program with the agent's rights changes a mounted file in place, with equal size and restored time. No later deploy may take the
/// changed file over.
/// </summary>
public sealed class TamperTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _agent.Start(_server.Address);
        await DeployAsync("1");
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Changed_file_is_not_linked_into_the_next_tree()
    {
        Tamper();
        await DeployAsync("2");

        Assert.Equal("print('good')", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Changed_file_is_not_taken_from_the_prebuilt_tree()
    {
        await _agent.WaitForLogAsync("prebuilt_tree_created");
        Tamper();
        await DeployAsync("2");

        Assert.Equal("print('good')", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Changed_file_is_repaired_after_a_restart()
    {
        await _agent.StopAsync();
        Tamper();
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("tree_repaired");

        Assert.Equal("print('good')", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Changed_file_of_an_earlier_tree_does_not_return_with_a_rollback()
    {
        Tamper();
        await DeployAsync("2");
        await DeployAsync("1");

        Assert.Equal("print('good')", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Unchanged_files_stay_links_after_prune_and_prebuilt_tree()
    {
        await _agent.StopAsync();
        _agent.Configure = options => options with { KeepTrees = 0, KeepFor = TimeSpan.Zero };
        _agent.Start(_server.Address);
        var inode = _agent.Mounted("dags")["a.py"].Inode;
        for (var version = 2; version <= 5; version++)
            await DeployAsync($"{version}");

        Assert.Equal(inode, _agent.Mounted("dags")["a.py"].Inode);
        Assert.DoesNotContain("file_changed", _agent.Log, StringComparison.Ordinal);
    }

    private Task<AgentReport> DeployAsync(string version) => _server.WaitForActiveAsync(
        _server.Deploy(("dags", Tree.Of(("a.py", "print('good')"), ("b.py", version)))));

    private void Tamper()
    {
        var path = Path.Join(_agent.Root, "dags", "a.py");
        var time = File.GetLastWriteTimeUtc(path);
        using (var file = File.OpenWrite(path))
            file.Write("print('evil')"u8);
        File.SetLastWriteTimeUtc(path, time);
    }
}
