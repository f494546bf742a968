using Updraft.Agent.Tests.Support;
using Updraft.Testing;

namespace Updraft.Agent.Tests;

/// <summary>
/// The agent runs next to Airflow, often with a memory limit of 128 MiB. .NET gives three quarters of such a limit to its heap, so the
/// tests set the heap's limit to 96 MiB. The published program must also stay below 128 MiB as a whole.
/// </summary>
[Trait("Runs", "ci")] // Deploys 90,000 files.
public sealed class MemoryTests : IAsyncLifetime
{
    private const int Files = 90_000;
    private const long MaxBytes = 128L * 1024 * 1024;
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await StandInServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Agent_mounts_90000_files_with_a_limit_of_128_MiB()
    {
        await DeployAsync("first");
        await DeployAsync("second");

        Assert.Equal(Files, Directory.EnumerateFiles(Path.Join(_agent.Root, "dags") + "/", "*.py", SearchOption.AllDirectories).Count());
    }

    private async Task DeployAsync(string changed)
    {
        _server.Deploy(("dags", Tree.Of([.. Enumerable.Range(0, Files).Select(i =>
            ($"tenants/customer_{i % 300:000}/pipelines/generated_dag_number_{i:000000}.py", i == 7 ? changed : $"table = {i}\n"))])));
        var published = Environment.GetEnvironmentVariable("UPDRAFT_AGENT_BIN") is { } path && File.Exists(path) ? path : null;
        using var program = new ChildProcess([published ?? AgentProgram.Path, "--server", _server.Address.ToString(), "--root", _agent.Root,
            "--once", "--log-format", "json"], new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["UPDRAFT_AGENT_TOKEN"] = StandInServer.Token,
                ["DOTNET_GCHeapHardLimit"] = "6000000",
            });
        var peak = 0L;
        while (!await program.ExitsWithinAsync(TimeSpan.FromMilliseconds(100)))
            peak = Math.Max(peak, program.PeakMemoryBytes);
        TestContext.Current.TestOutputHelper?.WriteLine($"Peak: {peak / 1024} KiB");

        await _server.WaitForActiveAsync(_server.Revision);
        if (published is not null)
            Assert.InRange(peak, 1, MaxBytes);
    }
}
