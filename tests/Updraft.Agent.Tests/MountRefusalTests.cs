using System.Diagnostics;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

public sealed class MountRefusalTests : IAsyncLifetime
{
    private static readonly Tree Some = Tree.Of(("a.py", "one"));
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await StandInServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Unmanaged_directory_at_mount_path_stays_and_is_reported()
    {
        Directory.CreateDirectory(Path.Join(_agent.Root, "dags"));
        File.WriteAllText(Path.Join(_agent.Root, "dags", "mine.py"), "mine");
        var failure = await FailAsync("dags");

        Assert.Contains("mine.py", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Move it away", failure.Message, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(Path.Join(_agent.Root, "dags", "mine.py")));
        Assert.Empty(_server.PackRequests);
    }

    [Fact]
    public async Task Revision_is_activated_after_directory_is_moved_away()
    {
        Directory.CreateDirectory(Path.Join(_agent.Root, "dags"));
        File.WriteAllText(Path.Join(_agent.Root, "dags", "mine.py"), "mine");
        await FailAsync("dags");
        Directory.Move(Path.Join(_agent.Root, "dags"), Path.Join(_agent.Root, "dags.mine"));
        await _server.WaitForActiveAsync(1);

        Assert.Equal("a.py", _agent.Paths("dags"));
    }

    [Fact]
    public async Task Empty_directory_for_DAGs_exists_before_the_first_deploy()
    {
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("agent_enrolled");

        Assert.Empty(Directory.GetFileSystemEntries(Path.Join(_agent.Root, "dags")));
        _server.Deploy(("dags", Some));
        await _server.WaitForActiveAsync(1);
        Assert.Equal("a.py", _agent.Paths("dags"));
    }

    [Fact]
    public async Task Empty_directory_at_mount_path_is_replaced()
    {
        Directory.CreateDirectory(Path.Join(_agent.Root, "dags"));
        _server.Deploy(("dags", Some));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);

        Assert.Equal("a.py", _agent.Paths("dags"));
    }

    [Theory]
    [Trait("Runs", "ci")] // Mounts a file system, which needs root.
    [InlineData("dags", "dags")]
    [InlineData("dbt/shop", "dbt/shop")]
    [InlineData("dbt", "dbt/target")]
    public async Task Mount_point_in_the_way_is_found_before_anything_changes(string mount, string mountPoint)
    {
        var path = Path.Join(_agent.Root, mountPoint);
        if (mount != mountPoint)
        {
            // The agent created this directory, so it may remove it, but not a mount point in it.
            _server.Deploy((mountPoint, Some));
            _agent.Start(_server.Address);
            await _server.WaitForActiveAsync(1);
            _server.Deploy(("dags", Some));
            await _server.WaitForActiveAsync(2);
            await _agent.StopAsync();
        }
        Directory.CreateDirectory(path);
        Run("mount", "-t", "tmpfs", "-o", "size=64k", "updraft-test", path);
        try
        {
            var revision = _server.Deploy((mount, Some));
            _agent.Start(_server.Address);
            var failure = await _server.WaitForFailureAsync(revision);

            Assert.Contains("mount", failure.Message, StringComparison.Ordinal);
            Assert.Contains($"'{(mount == mountPoint ? path : Path.GetFileName(mountPoint))}'", failure.Message, StringComparison.Ordinal);
            Assert.False(Directory.Exists(_agent.Own("states", $"{revision}")));
        }
        finally
        {
            Run("umount", path);
        }
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("dbt/../../outside")]
    [InlineData("/outside")]
    [InlineData("dbt//shop")]
    [InlineData("")]
    [InlineData(".")]
    [InlineData(".updraft")]
    [InlineData(".updraft/trees")]
    public async Task Invalid_mount_path_is_rejected(string path)
    {
        var failure = await FailAsync(path);

        Assert.Contains($"'{path}'", failure.Message, StringComparison.Ordinal);
        Assert.Equal(".updraft dags", _agent.Top());
        Assert.False(Path.Exists(Path.Join(_agent.Root, "..", "outside")));
    }

    [Fact]
    public async Task Nested_mounts_are_rejected()
    {
        var failure = await FailAsync("dbt", "dbt/shop");

        Assert.Contains("lies within", failure.Message, StringComparison.Ordinal);
        Assert.Equal(".updraft dags", _agent.Top());
    }

    [Fact]
    public async Task Two_mounts_at_one_path_are_rejected()
    {
        var failure = await FailAsync("dbt", "dbt");

        Assert.Contains("lies within", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mount_path_through_unmanaged_link_is_rejected()
    {
        var elsewhere = Directory.CreateDirectory(Path.Join(_agent.Root, "elsewhere")).FullName;
        File.CreateSymbolicLink(Path.Join(_agent.Root, "dbt"), elsewhere);
        await FailAsync("dbt/shop");

        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));
        Assert.Equal(elsewhere, new FileInfo(Path.Join(_agent.Root, "dbt")).LinkTarget);
    }

    [Fact]
    public async Task Unmanaged_link_at_mount_path_stays()
    {
        File.CreateSymbolicLink(Path.Join(_agent.Root, "dags"), "/nowhere");
        await FailAsync("dags");

        Assert.Equal("/nowhere", new FileInfo(Path.Join(_agent.Root, "dags")).LinkTarget);
    }

    [Fact]
    public async Task Unmanaged_file_above_mount_path_stays()
    {
        File.WriteAllText(Path.Join(_agent.Root, "dbt"), "mine");
        await FailAsync("dbt/shop");

        Assert.Equal("mine", File.ReadAllText(Path.Join(_agent.Root, "dbt")));
    }

    [Fact]
    public async Task Rejected_mount_keeps_all_others()
    {
        _server.Deploy(("dags", Some));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        File.WriteAllText(Path.Join(_agent.Root, "dbt"), "mine");
        _server.Deploy(("dags", Tree.Of(("a.py", "two"))), ("dbt", Some));
        var failure = await _server.WaitForFailureAsync(2);

        Assert.Equal(1, failure.ActiveRevision);
        Assert.Equal("one", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Missing_directory_in_tree_is_rejected()
    {
        _server.Deploy([_server.Mount("dags", Some, "missing")]);
        _agent.Start(_server.Address);
        var failure = await _server.WaitForFailureAsync(1);

        Assert.Contains("'missing'", failure.Message, StringComparison.Ordinal);
        Assert.Equal(".updraft dags", _agent.Top());
    }

    private Task<AgentReport> FailAsync(params string[] paths)
    {
        _server.Deploy([.. paths.Select(path => (path, Some))]);
        _agent.Start(_server.Address);
        return _server.WaitForFailureAsync(1);
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
