using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>
/// An I/O error right after the flip. The link <c>current</c> then names the new state, so a retry must not remove its directory. The
/// program strace lets each fsync of the agent's directory fail.
/// </summary>
[Trait("Runs", "ci")] // Traces the agent, which is not dumpable, so only root may.
public sealed class FlipFailureTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private readonly AgentProgram _program = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        await _agent.StopAsync();
        // The agent remembers the next revision, so the flip is the first change of its directory in the traced run.
        _agent.Configure = options => options with { Check = "exit 1" };
        _server.Deploy(("dags", Tree.Of(("a.py", "two"))));
        _agent.Start(_server.Address);
        await _server.WaitForFailureAsync(2);
        await _agent.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Failed_sync_after_the_flip_never_removes_the_current_state()
    {
        var trace = await RunWithFailingSyncAsync();

        Assert.Contains(trace, line => line.Contains("INJECTED", StringComparison.Ordinal));
        Assert.DoesNotContain(trace, line => line.Contains("rmdir(", StringComparison.Ordinal));
        // A rename from this path would discard the directory.
        Assert.DoesNotContain(trace, line => line.Contains("rename", StringComparison.Ordinal)
            && line.Contains("/states/2\", ", StringComparison.Ordinal));
        Assert.Equal("two", _agent.Texts("dags")["a.py"]);
        Assert.Equal("states/2", new FileInfo(_agent.Own("current")).LinkTarget);
    }

    [Fact]
    public async Task Agent_completes_the_flip_when_the_disk_works_again()
    {
        await RunWithFailingSyncAsync();
        _agent.Configure = options => options;
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(2);

        Assert.Equal("two", _agent.Texts("dags")["a.py"]);
    }

    private async Task<string[]> RunWithFailingSyncAsync()
    {
        var trace = Path.Join(_agent.Root, "trace");
        // Only calls on these paths count, so that syncs of trees and of the memory succeed.
        var (exit, log) = await _program.RunCommandAsync(["strace", "-f", "-qq", "-s", "4096", "-o", trace, "-P", _agent.Own(),
            "-P", _agent.Own("states", "2"), "-e", "trace=fsync,rmdir,rename", "-e", "inject=fsync:error=EIO",
            AgentProgram.Path, "--server", _server.Address.ToString(), "--root", _agent.Root, "--host", "host-1", "--once", "--once-timeout", "6"]);
        Assert.True(exit == ExitCode.TimedOut, $"{exit}: {log}");
        Assert.Contains("revision_failed", log, StringComparison.Ordinal);
        var lines = await File.ReadAllLinesAsync(trace, TestContext.Current.CancellationToken);
        File.Delete(trace);
        return lines;
    }
}
