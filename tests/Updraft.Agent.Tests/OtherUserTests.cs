using System.Diagnostics;
using System.Text.Json;
using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>
/// One volume that agents of several users share, as an init container and a sidecar do. The tests start the agent's program as other
/// users, for which they need to run as root.
/// </summary>
[Trait("Runs", "ci")] // Runs the agent as two users, which needs root.
public sealed class OtherUserTests : IAsyncLifetime
{
    private const int Init = 1000, Sidecar = 50000, Group = 50000;
    private readonly TestAgent _agent = new();
    private readonly AgentProgram _program = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _server.Deploy(("dags", Tree.Of(("a.py", "one"), ("b.py", "same"))));
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("022")]
    [InlineData("077")]
    public async Task Second_user_continues_on_a_group_writable_volume(string umask)
    {
        ShareRoot("2777");
        await DeployAsync(Init, umask);
        for (var version = 2; version <= 4; version++)
        {
            _server.Deploy(("dags", Tree.Of(("a.py", $"{version}"), ("b.py", "same"))));
            await DeployAsync(version % 2 == 0 ? Sidecar : Init, umask, "--keep-trees", "0", "--keep-minutes", "0");
            Assert.Equal($"{version}", _agent.Texts("dags")["a.py"]);
        }
    }

    [Fact]
    public async Task Second_user_rolls_back_to_a_tree_of_the_first()
    {
        ShareRoot("2777");
        var first = _server.Mounts;
        await DeployAsync(Init, "022");
        _server.Deploy(("dags", Tree.Of(("a.py", "two"), ("b.py", "same"))));
        await DeployAsync(Sidecar, "022");
        _server.Deploy(first);
        await DeployAsync(Sidecar, "022");

        Assert.Equal("one", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Volume_of_another_user_exits_with_78_and_names_both_users()
    {
        Run("chown", $"{Init}:{Init}", _agent.Root);
        await DeployAsync(Init, "022");
        var (exit, log) = await _program.RunAsync(Sidecar, Group, "022", Arguments());
        var reason = Reason(log);

        Assert.Equal(ExitCode.Configuration, exit);
        Assert.Contains($"'{_agent.Own()}' belongs to the user {Init}", reason, StringComparison.Ordinal);
        Assert.Contains($"the user of the agent, {Sidecar}, may not write", reason, StringComparison.Ordinal);
        Assert.Equal("one", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Modes_do_not_depend_on_the_umask()
    {
        Run("chown", $"{Init}:{Init}", _agent.Root);
        await DeployAsync(Init, "077");

        Assert.Equal(AgentRoot.FileMode, File.GetUnixFileMode(_agent.Own("states", "1", ".updraft")));
        Assert.All(Directory.GetFiles(_agent.Own("manifests")), file => Assert.Equal(AgentRoot.FileMode, File.GetUnixFileMode(file)));
        Assert.All(Directory.GetDirectories(_agent.Own()), directory =>
            Assert.Equal(AgentRoot.DirectoryMode, File.GetUnixFileMode(directory)));
    }

    private void ShareRoot(string mode)
    {
        Run("chgrp", $"{Group}", _agent.Root);
        Run("chmod", mode, _agent.Root);
    }

    private async Task DeployAsync(int user, string umask, params string[] more)
    {
        var (exit, log) = await _program.RunAsync(user, Group, umask, [.. Arguments(), .. more]);
        Assert.True(exit == 0, $"The agent of user {user} exited with {exit}: {log}");
        await _server.WaitForActiveAsync(_server.Revision);
    }

    private string[] Arguments() => ["--server", _server.Address.ToString(), "--root", _agent.Root, "--once", "--once-timeout", "20"];

    private static string Reason(string log) => log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line))
        .Single(line => line.GetProperty("message").ValueEquals("agent_exited")).GetProperty("reason").GetString()!;

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
