using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>The facts of the agent's environment that a check, and so deployed code, can read.</summary>
public sealed class CommandEnvironmentTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private readonly AgentProgram _program = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
        _program.Environment["OTEL_EXPORTER_OTLP_HEADERS"] = "api-key=collector-secret";
        _program.Environment["DATABASE_PASSWORD"] = "database-secret";
        _program.Environment["CREDENTIALS_DIRECTORY"] = "/run/credentials";
        _program.Environment["AIRFLOW_HOME"] = "/opt/airflow";
        _program.Environment["LC_ALL"] = "C.UTF-8";
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Check_gets_listed_variables_only()
    {
        var environment = await CheckAsync("env");

        Assert.Contains("AIRFLOW_HOME=/opt/airflow", environment, StringComparison.Ordinal);
        Assert.Contains("LC_ALL=C.UTF-8", environment, StringComparison.Ordinal);
        Assert.Contains("UPDRAFT_STAGED=", environment, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", environment, StringComparison.Ordinal);
        Assert.DoesNotContain("UPDRAFT_AGENT_", environment, StringComparison.Ordinal);
        Assert.DoesNotContain("CREDENTIALS_DIRECTORY", environment, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("DATABASE_PASSWORD")]
    [InlineData("OTHER,DATABASE_*")]
    public async Task Check_gets_variables_that_the_option_names(string names) =>
        Assert.Contains("DATABASE_PASSWORD=database-secret", await CheckAsync("env", "--pass-env", names), StringComparison.Ordinal);

    [Fact]
    [Trait("Runs", "ci")] // Runs the agent as another user, which needs root.
    public async Task Check_of_the_same_user_cannot_read_the_environment_of_the_agent()
    {
        System.Diagnostics.Process.Start("chown", ["-R", "1000:1000", _agent.Root]).WaitForExit();
        var log = Path.Join(_agent.Root, "result");
        var check = $"tr '\\0' '\\n' </proc/$PPID/environ >{log} 2>&1 || echo DENIED >>{log}";
        var (exit, output) = await _program.RunAsync(1000, 1000, "022", Arguments(check));

        Assert.True(exit == 0, output);
        var text = await File.ReadAllTextAsync(log, TestContext.Current.CancellationToken);
        Assert.Contains("DENIED", text, StringComparison.Ordinal);
        Assert.DoesNotContain(StandInServer.Token, text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDRAFT_AGENT_TOKEN")]
    [InlineData("UPDRAFT_*")]
    [InlineData("*")]
    [InlineData("CREDENTIALS_DIRECTORY")]
    [InlineData("A=B")]
    [InlineData("A**")]
    public void Name_that_includes_the_token_or_is_no_name_is_rejected(string name) => Assert.NotNull(CommandEnvironment.Problem(name));

    private async Task<string> CheckAsync(string command, params string[] more)
    {
        var file = Path.Join(_agent.Root, "result");
        var (exit, log) = await _program.RunAsync([.. Arguments($"{command} >{file}"), .. more]);
        Assert.True(exit == 0, log);
        return await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
    }

    private string[] Arguments(string check) =>
        ["--server", _server.Address.ToString(), "--root", _agent.Root, "--once", "--once-timeout", "20", "--check", check];
}
