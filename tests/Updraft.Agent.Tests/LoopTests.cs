using System.Collections.Concurrent;
using System.Globalization;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

public sealed class LoopTests : IAsyncLifetime
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
    public async Task Newer_revision_supersedes_one_in_preparation()
    {
        var stuck = new TaskCompletionSource();
        _server.Intercept = async context =>
        {
            if (!context.Request.Path.StartsWithSegments("/agent/v1/packs", StringComparison.Ordinal) || stuck.Task.IsCompleted)
                return false;
            stuck.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return true;
        };
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
        _agent.Start(_server.Address);
        await stuck.Task.WaitAsync(TestContext.Current.CancellationToken);
        _server.Deploy(("dags", Tree.Of(("a.py", "two"))));
        await _server.WaitForActiveAsync(2);

        Assert.Equal("two", _agent.Texts("dags")["a.py"]);
        Assert.DoesNotContain(_server.Reports, report => report.Revision == 1);
    }

    [Fact]
    public async Task Report_is_repeated_after_lost_response()
    {
        var lost = 0;
        _server.Intercept = context =>
        {
            if (context.Request.Path == AgentRoutes.Report && Interlocked.Increment(ref lost) == 1)
                context.Abort();
            return Task.FromResult(context.RequestAborted.IsCancellationRequested);
        };
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);

        Assert.Equal("one", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Failed_activation_is_retried()
    {
        var blocked = Path.Join(_agent.Root, "dags", "unmanaged.py");
        var reports = 0;
        _server.Intercept = context =>
        {
            if (context.Request.Path == AgentRoutes.Report && Interlocked.Increment(ref reports) == 1)
                File.WriteAllText(blocked, "unmanaged");
            return Task.FromResult(false);
        };
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
        _agent.Start(_server.Address);
        await _server.WaitForFailureAsync(1);
        File.Delete(blocked);
        await _server.WaitForActiveAsync(1);

        Assert.Equal("one", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Proxy_with_a_short_time_limit_shortens_polls_and_delays_nothing()
    {
        var waits = new ConcurrentQueue<int>();
        _server.Intercept = async context =>
        {
            if (context.Request.Path != AgentRoutes.State
                || int.Parse(context.Request.Query["wait"]!, CultureInfo.InvariantCulture) is not (> 0 and var wait))
                return false;
            waits.Enqueue(wait);
            if (wait < 2)
                return false;
            await Task.Delay(TimeSpan.FromSeconds(2.1), context.RequestAborted);
            context.Response.StatusCode = 504;
            return true;
        };
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("poll_shortened");
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "one")))));

        Assert.Equal([30, 1], waits.Take(2));
        Assert.DoesNotContain("server_unavailable", _agent.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Last_of_many_quick_deploys_stays()
    {
        _agent.Start(_server.Address);
        for (var i = 0; i < 30; i++)
            _server.Deploy(("dags", Tree.Of(("a.py", $"{i}"))));
        await _server.WaitForActiveAsync(30);

        Assert.Equal("29", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task No_mount_exists_before_first_deploy()
    {
        _agent.Configure = options => options with { Once = true };
        _agent.Start(_server.Address);

        Assert.Equal(0, await _agent.EndAsync());
        Assert.Equal(".updraft", _agent.Top());
    }

    [Fact]
    public async Task Once_exits_after_activation()
    {
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
        _agent.Configure = options => options with { Once = true };
        _agent.Start(_server.Address);

        Assert.Equal(0, await _agent.EndAsync());
        Assert.Equal("one", _agent.Texts("dags")["a.py"]);
        Assert.Equal(AgentPhase.Active, _server.Reports[^1].Phase);
    }

    [Fact]
    public async Task Once_exits_without_a_new_revision()
    {
        await Once_exits_after_activation();
        _agent.Start(_server.Address);

        Assert.Equal(0, await _agent.EndAsync());
    }

    [Fact]
    public async Task Rejected_token_ends_agent_before_enrollment()
    {
        _agent.Configure = options => options with { Token = "wrong" };
        _agent.Start(_server.Address);

        Assert.Equal(69, await _agent.EndAsync());
    }

    [Fact]
    public async Task Rejected_token_does_not_end_enrolled_agent()
    {
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        await _agent.StopAsync();
        _server.Intercept = context =>
        {
            context.Response.StatusCode = 401;
            return Task.FromResult(true);
        };
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("server_unavailable", occurrences: 2);
        Assert.Equal("one", _agent.Texts("dags")["a.py"]);

        _server.Intercept = null;
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "two")))));
    }

    [Fact]
    public async Task New_token_in_file_needs_no_restart()
    {
        var file = Path.Join(_agent.Root, "token");
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
        _agent.Configure = options => options with { Token = null, TokenFile = file };
        File.WriteAllText(file, StandInServer.Token + "\n");
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        File.WriteAllText(file, "another-token");
        _server.Deploy(("dags", Tree.Of(("a.py", "two"))));
        await _agent.WaitForLogAsync("server_unavailable");
        File.WriteAllText(file, StandInServer.Token);

        await _server.WaitForActiveAsync(2);
    }

    [Fact]
    public async Task Failed_check_keeps_old_files_and_reports_output()
    {
        _agent.Configure = options => options with { Check = "echo \"checking $UPDRAFT_STAGED\"; grep -q good \"$UPDRAFT_STAGED\"/a.py" };
        _server.Deploy(("dags", Tree.Of(("a.py", "good 1"))));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        _server.Deploy(("dags", Tree.Of(("a.py", "bad"))));
        var failure = await _server.WaitForFailureAsync(2);
        Assert.Contains("exit code 1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("checking " + _agent.Own("trees"), failure.Message, StringComparison.Ordinal);
        Assert.Equal("good 1", _agent.Texts("dags")["a.py"]);

        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "good 2")))));
    }

    [Fact]
    public async Task Slow_check_is_killed_with_its_children()
    {
        var pid = Path.Join(_agent.Root, "pid");
        _agent.Configure = options => options with { Check = $"sleep 600 & echo $! > {pid}; wait", CheckTimeout = TimeSpan.FromSeconds(1) };
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
        _agent.Start(_server.Address);
        var failure = await _server.WaitForFailureAsync(1);

        Assert.Contains("longer than 1 s", failure.Message, StringComparison.Ordinal);
        Assert.False(IsRunning(File.ReadAllText(pid).Trim()));
    }

    [Fact]
    public async Task Check_does_not_get_the_token()
    {
        Environment.SetEnvironmentVariable("UPDRAFT_AGENT_TOKEN", StandInServer.Token);
        _agent.Configure = options => options with { Check = "env > ../../../environment" };
        _server.Deploy([_server.Mount("dags", Tree.Of(("dags/a.py", "one")), "dags")]);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);

        var environment = File.ReadAllText(_agent.Own("environment"));
        Assert.Contains("UPDRAFT_STAGED=" + _agent.Own("trees"), environment, StringComparison.Ordinal);
        Assert.DoesNotContain(StandInServer.Token, environment, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Earlier_trees_stay_for_a_number_of_states()
    {
        _agent.Configure = options => options with { KeepTrees = 2, KeepFor = TimeSpan.Zero };
        _agent.Start(_server.Address);
        for (var i = 1; i <= 5; i++)
            await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", $"{i}")))));
        await _agent.StopAsync();
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("revision_resumed");

        Assert.Equal(Digests(3, 4, 5), Names("trees"));
        Assert.Equal(Digests(3, 4, 5), Names("manifests"));
        Assert.Equal("3 4 5", Names("states"));
    }

    [Fact]
    public async Task Earlier_trees_stay_for_a_time()
    {
        _agent.Configure = options => options with { KeepTrees = 0 };
        _agent.Start(_server.Address);
        for (var i = 1; i <= 3; i++)
            await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", $"{i}")))));
        Assert.Equal("1 2 3", Names("states"));
        await _agent.StopAsync();
        _agent.Clock = new ShiftedClock(TimeSpan.FromMinutes(11));
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("revision_resumed");

        Assert.Equal(Digests(3), Names("trees"));
    }

    private string Names(string directory) =>
        string.Join(' ', Directory.GetFileSystemEntries(_agent.Own(directory)).Select(Path.GetFileName).Order(StringComparer.Ordinal));

    private static string Digests(params int[] versions) => string.Join(' ', versions
        .Select(version => Tree.Of(("a.py", $"{version}")).ToManifest().Digest.ToString()).Order(StringComparer.Ordinal));

    private static bool IsRunning(string pid) => File.Exists($"/proc/{pid}/stat")
        && File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1][0] is not ('Z' or 'X');

    private sealed class ShiftedClock(TimeSpan shift) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + shift;
    }
}
