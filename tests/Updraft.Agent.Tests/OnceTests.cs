using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>The option <c>--once</c>, which init containers use: the agent ends in each case, with an exit code that has the reason.</summary>
public sealed class OnceTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
        _agent.Configure = options => options with { Once = true };
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Failed_check_ends_with_65_and_reports_the_failure()
    {
        _agent.Configure = options => options with { Once = true, Check = "echo broken DAG; exit 3" };
        var reason = await EndsWithAsync(65);

        Assert.Contains("broken DAG", reason, StringComparison.Ordinal);
        await _server.WaitForFailureAsync(1);
    }

    [Fact]
    public async Task Blocked_mount_path_ends_with_65()
    {
        Directory.CreateDirectory(Path.Join(_agent.Root, "dags"));
        File.WriteAllText(Path.Join(_agent.Root, "dags", "mine.py"), "");

        Assert.Contains("'mine.py'", await EndsWithAsync(65), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rejected_token_of_an_enrolled_root_ends_with_69()
    {
        _agent.Start(_server.Address);
        Assert.Equal(0, await _agent.EndAsync());
        _agent.Configure = options => options with { Once = true, Token = "another-token" };

        Assert.Contains("401", await EndsWithAsync(69), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_that_is_away_ends_with_124_and_the_last_problem()
    {
        await _server.DisposeAsync();
        _agent.Configure = options => options with { Once = true, OnceTimeout = TimeSpan.FromSeconds(2) };

        Assert.Contains("refused", await EndsWithAsync(124), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Missing_token_file_ends_with_124_and_names_the_file()
    {
        _agent.Configure = options => options with
        {
            Once = true,
            OnceTimeout = TimeSpan.FromSeconds(2),
            Token = null,
            TokenFile = Path.Join(_agent.Root, "missing"),
        };

        Assert.Contains($"'{Path.Join(_agent.Root, "missing")}' does not exist", await EndsWithAsync(124), StringComparison.Ordinal);
        await _agent.WaitForLogAsync("token_unreadable");
    }

    private async Task<string> EndsWithAsync(int code)
    {
        _agent.Start(_server.Address);
        Assert.Equal(code, await _agent.EndAsync());
        return (await _agent.WaitForLogAsync("agent_exited")).GetProperty("reason").GetString()!;
    }
}
