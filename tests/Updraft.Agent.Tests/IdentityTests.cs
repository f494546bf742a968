using System.Diagnostics;
using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>Two machines are two agents, although one root is a copy of the other root.</summary>
public sealed class IdentityTests : IAsyncLifetime
{
    private readonly TestAgent _first = new(), _second = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
        _first.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        await _first.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _first.DisposeAsync();
        await _second.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Copied_root_is_another_agent()
    {
        CopyRoot();
        await StartAsync(_second);

        Assert.Equal(2, Agents());
        Assert.Contains("copy", (await _second.WaitForLogAsync("root_copied")).GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Root_with_another_host_name_is_another_agent()
    {
        _first.Configure = options => options with { Host = "host-2" };
        await StartAsync(_first);

        Assert.Equal(2, Agents());
    }

    [Fact]
    public async Task Copied_root_keeps_key_and_revision()
    {
        CopyRoot();
        _server.Revision = 0;
        _second.Start(_server.Address);

        Assert.Contains("is older", (await _second.WaitForLogAsync("state_rejected")).GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restarted_agent_is_the_earlier_agent_in_a_new_session()
    {
        await StartAsync(_first);

        Assert.Equal(1, Agents());
        Assert.Equal(2, _server.Reports.Select(report => report.SessionId).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task Root_of_an_earlier_version_keeps_its_agent()
    {
        var path = _first.Own("agent.json");
        var text = File.ReadAllText(path);
        var start = text.IndexOf("\"identity\": {", StringComparison.Ordinal);
        Assert.True(start > 0);
        text = text.Remove(start, text.IndexOf("},", start, StringComparison.Ordinal) + 2 - start);
        File.WriteAllText(path, text);
        File.WriteAllText(_first.Own("agent.json.bak"), text);
        await StartAsync(_first);

        Assert.Equal(1, Agents());
    }

    private async Task StartAsync(TestAgent agent)
    {
        var seen = _server.Reports.Count;
        agent.Start(_server.Address);
        await _server.WaitForReportAsync(report => _server.Reports.Count > seen);
    }

    private int Agents() => _server.Reports.Select(report => report.AgentId).Distinct(StringComparer.Ordinal).Count();

    private void CopyRoot()
    {
        using var copy = Process.Start("cp", ["-a", _first.Root + "/.", _second.Root]);
        copy.WaitForExit();
        Assert.Equal(0, copy.ExitCode);
    }
}
