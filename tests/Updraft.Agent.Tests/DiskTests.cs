using System.Diagnostics;
using System.Security.Cryptography;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

/// <summary>
/// A full or read-only disk. The root is a small file system in memory, for which the test needs the permission to mount. Without the
/// permission these tests fail, because no other test covers a full disk.
/// </summary>
[Trait("catalog", "G3")]
[Trait("Runs", "ci")] // Mounts file systems, which needs root.
public sealed class DiskTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        Run("mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=60", "updraft-test", _agent.Root);
        _server = await StandInServer.StartAsync();
        _server.Deploy(("dags", Tree.Of(("a.py", "the old one"))));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.StopAsync();
        Run("umount", _agent.Root);
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Full_disk_keeps_old_tree_until_there_is_space()
    {
        var large = Tree.Of(("a.py", "the new one"), ("large", Convert.ToHexString(RandomNumberGenerator.GetBytes(1024 * 1024))));
        _server.Deploy(("dags", large));

        await AssertOldTreeStaysAsync("No space left");
        Remount("size=8m");
        await AssertNewTreeArrivesAsync();
    }

    [Fact]
    public async Task Disk_without_inodes_keeps_old_tree_until_there_are_some()
    {
        _server.Deploy(("dags", Tree.Of([("a.py", "the new one"), .. Enumerable.Range(0, 100).Select(i => ($"f{i}", $"{i}"))])));

        await AssertOldTreeStaysAsync("No space left");
        Remount("nr_inodes=1000");
        await AssertNewTreeArrivesAsync();
    }

    [Fact]
    public async Task Read_only_disk_keeps_old_tree_until_it_is_writable()
    {
        Remount("ro");
        _server.Deploy(("dags", Tree.Of(("a.py", "the new one"))));
        var line = await _agent.WaitForLogAsync("server_unavailable");

        Assert.Contains("Read-only", line.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal("the old one", _agent.Texts("dags")["a.py"]);
        Remount("rw");
        await AssertNewTreeArrivesAsync();
    }

    [Fact]
    public async Task Full_disk_lets_earlier_states_go_and_the_deploy_continue()
    {
        await _agent.StopAsync();
        Remount("size=3m");
        _agent.Configure = options => options with { KeepTrees = 5, KeepFor = TimeSpan.Zero };
        _agent.Start(_server.Address);
        for (var version = 2; version <= 7; version++)
        {
            var content = Convert.ToHexString(RandomNumberGenerator.GetBytes(400 * 1024));
            await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", $"{version}"), ("large", content)))));
        }

        Assert.Contains("space_reclaimed", _agent.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(_server.Reports, report => report.Phase == AgentPhase.Failed);
    }

    [Fact]
    public async Task Completely_full_disk_accepts_the_next_revision()
    {
        await _agent.StopAsync();
        _agent.Configure = options => options with { KeepTrees = 5, KeepFor = TimeSpan.Zero };
        _agent.Start(_server.Address);
        var large = Convert.ToHexString(RandomNumberGenerator.GetBytes(200 * 1024));
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "two"), ("large", large)))));
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "three")))));
        await FillAsync();
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "four")))));

        Assert.Equal("four", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task State_that_a_task_may_still_read_stays_on_a_full_disk()
    {
        _server.Deploy(("dags", Tree.Of(("a.py", "two"))));
        await _server.WaitForActiveAsync(2);
        var large = Tree.Of(("a.py", "new"), ("large", Convert.ToHexString(RandomNumberGenerator.GetBytes(1024 * 1024))));
        _server.Deploy(("dags", large));
        await _server.WaitForFailureAsync(3);

        Assert.True(Directory.Exists(_agent.Own("states", "1", "dags")));
    }

    /// <summary>Another program takes the last free byte.</summary>
    private async Task FillAsync()
    {
        await using var file = new FileStream(Path.Join(_agent.Root, "filler"), new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            BufferSize = 0,
        });
        try
        {
            while (true)
                await file.WriteAsync(new byte[1024], TestContext.Current.CancellationToken);
        }
        catch (IOException)
        {
            // The disk is full.
        }
    }

    private async Task AssertOldTreeStaysAsync(string reason)
    {
        var failure = await _server.WaitForFailureAsync(2);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, failure.ActiveRevision);
        Assert.Equal("the old one", _agent.Texts("dags")["a.py"]);
        Assert.Empty(Directory.GetFileSystemEntries(_agent.Own("trees"), "*.partial"));
    }

    private async Task AssertNewTreeArrivesAsync()
    {
        await _server.WaitForActiveAsync(2);
        Assert.Equal("the new one", _agent.Texts("dags")["a.py"]);
    }

    private void Remount(string option) => Run("mount", "-o", "remount," + option, _agent.Root);

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} exited with code {process.ExitCode}");
    }
}
