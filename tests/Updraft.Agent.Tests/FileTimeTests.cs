using System.Diagnostics;
using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>
/// Python takes bytecode from its cache if the whole second and the size of the source are equal. So the time of a changed file must be in
/// a later second than that of each file before it at this path. The clock of these tests stands still.
/// </summary>
public sealed class FileTimeTests : IAsyncLifetime
{
    private readonly StillClock _clock = new();
    private readonly TestAgent _agent = new();
    private readonly string _cache = Directory.CreateTempSubdirectory("updraft-pycache-").FullName;
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _agent.Clock = _clock;
        _agent.Start(_server.Address);
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
        Directory.Delete(_cache, recursive: true);
    }

    [Fact]
    public async Task Python_runs_new_code_after_two_deploys_in_one_second()
    {
        foreach (var value in (string[])["one", "two", "six"])
            Assert.Equal(value, await DeployAndRunAsync(value));
    }

    [Fact]
    public async Task Python_runs_old_code_after_a_rollback_in_one_second()
    {
        foreach (var value in (string[])["one", "two", "one", "two"])
            Assert.Equal(value, await DeployAndRunAsync(value));
    }

    [Theory]
    [InlineData(-3600)]
    [InlineData(-1)]
    [InlineData(0)]
    public async Task Python_runs_new_code_although_the_clock_went_back(int seconds)
    {
        Assert.Equal("one", await DeployAndRunAsync("one"));
        _clock.Advance(TimeSpan.FromSeconds(seconds));
        Assert.Equal("two", await DeployAndRunAsync("two"));
        _clock.Advance(TimeSpan.FromSeconds(seconds));
        Assert.Equal("one", await DeployAndRunAsync("one"));
    }

    [Fact]
    public async Task Python_runs_new_code_of_a_path_that_was_missing_in_between()
    {
        Assert.Equal("one", await DeployAndRunAsync("one"));
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("other.py", "")))));
        Assert.Equal("two", await DeployAndRunAsync("two"));
    }

    [Fact]
    public async Task Python_runs_new_code_of_a_mount_that_was_missing_in_between()
    {
        Assert.Equal("one", await DeployAndRunAsync("one"));
        await _server.WaitForActiveAsync(_server.Deploy(("dbt/shop", Tree.Of(("p.yml", "x")))));
        Assert.Equal("two", await DeployAndRunAsync("two"));
    }

    [Fact]
    public async Task Python_runs_new_code_after_a_restart_in_one_second()
    {
        Assert.Equal("one", await DeployAndRunAsync("one"));
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("other.py", "")))));
        await _agent.StopAsync();
        _agent.Start(_server.Address);
        Assert.Equal("two", await DeployAndRunAsync("two"));
    }

    [Fact]
    public async Task Repaired_file_gets_a_later_second_than_the_damaged_one()
    {
        await DeployAndRunAsync("one");
        await _agent.StopAsync();
        var path = Path.Join(_agent.Root, "dags", "helper.py");
        File.WriteAllText(path, "VALUE = 'bad'\n");
        var damaged = TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(1);
        File.SetLastWriteTimeUtc(path, damaged);
        Assert.Equal("bad", await RunAsync());
        File.AppendAllText(path, "#");
        File.SetLastWriteTimeUtc(path, damaged);
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("tree_repaired");

        Assert.Equal("VALUE = 'one'\n", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        Assert.True(Second(File.GetLastWriteTimeUtc(path)) > Second(damaged));
    }

    [Fact]
    public async Task Unchanged_file_keeps_its_time()
    {
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "1"), ("b.py", "same")))));
        var before = _agent.Mounted("dags")["b.py"];
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "2"), ("b.py", "same")))));

        Assert.Equal(before, _agent.Mounted("dags")["b.py"]);
    }

    private async Task<string> DeployAndRunAsync(string value)
    {
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("helper.py", $"VALUE = '{value}'\n")))));
        return await RunAsync();
    }

    private async Task<string> RunAsync()
    {
        var start = new ProcessStartInfo("python3", ["-c", "import helper; print(helper.VALUE)"])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
            Environment =
            {
                ["PYTHONPATH"] = Path.Join(_agent.Root, "dags"),
                ["PYTHONPYCACHEPREFIX"] = _cache,
            },
        };
        start.Environment.Remove("PYTHONDONTWRITEBYTECODE");
        using var python = Process.Start(start)!;
        var output = await python.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await python.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.NotEmpty(Directory.EnumerateFiles(_cache, "*.pyc", SearchOption.AllDirectories));
        return output.Trim();
    }

    private static long Second(DateTime time) => new DateTimeOffset(time).ToUnixTimeSeconds();

    /// <summary>A clock whose time changes only by the test. Its timers run.</summary>
    private sealed class StillClock : TimeProvider
    {
        private long _now = System.GetUtcNow().Ticks;

        public void Advance(TimeSpan time) => Interlocked.Add(ref _now, time.Ticks);

        public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _now), TimeSpan.Zero);
    }
}
