using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>Files that an attacker created in the root before the agent starts.</summary>
[Trait("catalog", "G17")]
public sealed class HostileRootTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private readonly string _elsewhere = Directory.CreateTempSubdirectory("updraft-elsewhere-").FullName;
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
        Directory.Delete(_elsewhere, recursive: true);
    }

    [Theory]
    [InlineData(".updraft")]
    [InlineData(".updraft/trees")]
    [InlineData(".updraft/manifests")]
    [InlineData(".updraft/states")]
    [InlineData(".updraft/lock")]
    public async Task Symbolic_link_as_own_directory_or_lock_prevents_start(string name)
    {
        Directory.CreateDirectory(Path.Join(_agent.Root, Path.GetDirectoryName(name)));
        File.CreateSymbolicLink(Path.Join(_agent.Root, name), name.EndsWith("lock", StringComparison.Ordinal)
            ? Path.Join(_elsewhere, "lock") : _elsewhere);
        _agent.Start(_server.Address);

        Assert.Equal(ExitCode.Configuration, await _agent.EndAsync());
        Assert.Empty(Directory.GetFileSystemEntries(_elsewhere));
    }

    [Theory]
    [InlineData("agent.json")]
    [InlineData("agent.json.bak")]
    public async Task Symbolic_link_as_agent_file_is_replaced(string name)
    {
        var target = Path.Join(_elsewhere, "target");
        File.WriteAllText(target, "precious");
        Directory.CreateDirectory(_agent.Own());
        File.CreateSymbolicLink(_agent.Own(name), target);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);

        Assert.Equal("precious", File.ReadAllText(target));
        Assert.Null(new FileInfo(_agent.Own(name)).LinkTarget);
    }

    [Fact]
    public async Task Leftovers_are_removed_but_not_targets_of_their_links()
    {
        File.WriteAllText(Path.Join(_elsewhere, "precious"), "");
        var leftover = _agent.Own("trees", new string('a', 64) + ".partial");
        Directory.CreateDirectory(Path.Join(leftover, "d", "e"));
        File.WriteAllText(Path.Join(leftover, "d", "e", "f"), "");
        File.CreateSymbolicLink(Path.Join(leftover, "d", "out"), _elsewhere);
        File.CreateSymbolicLink(_agent.Own("trees", new string('b', 64) + ".partial"), _elsewhere);
        File.SetUnixFileMode(Path.Join(leftover, "d"), UnixFileMode.None);
        File.SetUnixFileMode(leftover, UnixFileMode.None);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);

        Assert.Empty(Directory.GetFileSystemEntries(_agent.Own("trees"), "*.partial"));
        Assert.Equal(["precious"], Directory.GetFileSystemEntries(_elsewhere).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Directory_in_place_of_current_link_is_reported_and_stays()
    {
        Directory.CreateDirectory(_agent.Own("current", "mine"));
        _agent.Start(_server.Address);
        var failure = await _server.WaitForFailureAsync(1);

        Assert.Contains("current", failure.Message, StringComparison.Ordinal);
        Assert.True(Directory.Exists(_agent.Own("current", "mine")));
    }

    [Fact]
    public async Task Planted_tree_is_repaired_before_it_is_mounted()
    {
        var digest = _server.Mounts[0].Manifest;
        Directory.CreateDirectory(_agent.Own("trees", digest));
        File.WriteAllText(Path.Join(_elsewhere, "passwords"), "secret");
        File.CreateSymbolicLink(_agent.Own("trees", digest, "a.py"), Path.Join(_elsewhere, "passwords"));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);

        Assert.Equal("one", _agent.Texts("dags")["a.py"]);
        Assert.Equal("secret", File.ReadAllText(Path.Join(_elsewhere, "passwords")));
    }
}
