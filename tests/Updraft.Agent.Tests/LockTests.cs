using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>NFSv4 locks only files that are open for writing, and returns EBADF otherwise. The program strace plays that file system.</summary>
[Trait("Runs", "ci")] // Traces the agent, which is not dumpable, so only root may.
public sealed class LockTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private readonly AgentProgram _program = new();
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
    }

    [Fact]
    public async Task Agent_opens_the_lock_for_writing_if_the_file_system_needs_that()
    {
        Directory.CreateDirectory(_agent.Own());
        File.WriteAllText(_agent.Own("lock"), "");
        var trace = Path.Join(_agent.Root, "trace");
        var (exit, log) = await _program.RunCommandAsync(["strace", "-f", "-qq", "-s", "4096", "-o", trace, "-P", _agent.Own("lock"),
            "-e", "trace=open,openat,flock", "-e", "inject=flock:error=EBADF:when=1",
            AgentProgram.Path, "--server", _server.Address.ToString(), "--root", _agent.Root, "--once", "--once-timeout", "20"]);

        Assert.True(exit == 0, $"{exit}: {log}");
        var calls = await File.ReadAllLinesAsync(trace, TestContext.Current.CancellationToken);
        Assert.Contains(calls, call => call.Contains("O_RDWR", StringComparison.Ordinal));
        Assert.Contains(calls, call => call.Contains("flock(", StringComparison.Ordinal) && call.EndsWith("= 0", StringComparison.Ordinal));
    }
}
