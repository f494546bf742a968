using System.Diagnostics;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

/// <summary>Directories that the agent cannot remove. A mount point stands for them, because not even root can remove it.</summary>
public sealed class ForeignFileTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _agent.Configure = options => options with { KeepTrees = 0, KeepFor = TimeSpan.Zero };
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.StopIfRunningAsync();
        // Discarded trees have another name now.
        foreach (var path in MountsBelow(_agent.Root))
            Run("umount", "-l", path);
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    [Trait("Runs", "ci")] // Mounts a file system, which needs root.
    public async Task Undeletable_tree_does_not_prevent_deploys_and_is_reported_once()
    {
        await DeployAsync(1);
        Pin(Path.Join(Tree(1), "__pycache__"));
        for (var version = 2; version <= 5; version++)
            await DeployAsync(version);
        await DeployAsync(6);

        Assert.Single(Lines("removal_failed"));
        // The current tree, its predecessor at most, and the one that cannot go.
        Assert.InRange(Directory.GetDirectories(_agent.Own("trees")).Length, 2, 3);
    }

    [Fact]
    [Trait("Runs", "ci")] // Mounts a file system, which needs root.
    public async Task Undeletable_leftovers_do_not_prevent_the_start()
    {
        await DeployAsync(1);
        await _agent.StopAsync();
        foreach (var leftover in (string[])["trees/x.partial", "spares/x.partial", "states/9.partial", "manifests/x.updraft-tmp"])
            Pin(Path.Join(_agent.Own(leftover), "inner"));
        await DeployAsync(2);

        Assert.Equal(4, Lines("removal_failed").Count);
        Assert.Equal("2", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    [Trait("Runs", "ci")] // Mounts a file system, which needs root.
    public async Task Undeletable_work_directories_do_not_prevent_a_deploy()
    {
        var tree = Content(2).ToManifest().Digest.ToString();
        foreach (var leftover in (string[])[$"trees/{tree}.partial", "states/2", "states/2.partial", $"spares/{Content(1).ToManifest().Digest}"])
            Pin(Path.Join(_agent.Own(leftover), "inner"));
        await DeployAsync(1);
        await DeployAsync(2);

        Assert.Equal("2", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Files_that_NFS_keeps_open_are_not_reported_as_unmanaged()
    {
        _agent.Clock = new FastClock(factor: 3600);
        await DeployAsync(1);
        File.WriteAllText(Path.Join(Tree(1), ".nfs000000000000002a00000001"), "");
        File.WriteAllText(Path.Join(Tree(1), "stray.txt"), "");
        var line = await _agent.WaitForLogAsync("unmanaged_files_found");

        Assert.Equal((1, "stray.txt"), (line.GetProperty("count").GetInt32(), line.GetProperty("first").GetString()));
    }

    private Task<AgentReport> DeployAsync(int version)
    {
        if (!_agent.IsRunning)
            _agent.Start(_server.Address);
        return _server.WaitForActiveAsync(_server.Deploy(("dags", Content(version))));
    }

    private static Tree Content(int version) => Support.Tree.Of(("a.py", $"{version}"));

    private string Tree(int version) => _agent.Own("trees", Content(version).ToManifest().Digest.ToString());

    private List<string> Lines(string message) =>
        [.. _agent.Log.Split('\n').Where(line => line.Contains($"\"message\":\"{message}\"", StringComparison.Ordinal))];

    /// <summary>Creates a directory that not even root can remove: a mount point.</summary>
    private static void Pin(string directory)
    {
        Directory.CreateDirectory(directory);
        Run("mount", "-t", "tmpfs", "-o", "size=64k", "updraft-test", directory);
        File.WriteAllText(Path.Join(directory, "a.pyc"), "");
    }

    private static List<string> MountsBelow(string directory) => [.. File.ReadLines("/proc/self/mounts").Select(line => line.Split(' ')[1])
        .Where(path => path.StartsWith(directory + "/", StringComparison.Ordinal))];

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} exited with code {process.ExitCode}");
    }
}
