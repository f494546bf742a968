using System.Text.Json;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

public sealed class RestartTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _server.Deploy(("dags", Tree.Of(("a.py", "one"), ("b.py", "two"))), ("dbt/shop", Tree.Of(("p.yml", "x"))));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Restarted_agent_first_reports_active_revision()
    {
        var before = _agent.Mounted("dags");
        await _agent.StopAsync();
        var seen = _server.Reports.Count;
        _agent.Start(_server.Address);
        await _server.WaitForReportAsync(report => _server.Reports.Count > seen && report.Phase == AgentPhase.Active);

        var first = _server.Reports[seen];
        Assert.Equal((AgentPhase.Active, 1L, 2), (first.Phase, first.Revision, first.Mounts.Count));
        Assert.Equal(before, _agent.Mounted("dags"));
    }

    [Fact]
    public async Task Restarted_agent_serves_without_server()
    {
        await _agent.StopAsync();
        await _server.DisposeAsync();
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("revision_resumed");
        await _agent.WaitForLogAsync("server_unavailable", occurrences: 3);

        Assert.Equal("a.py b.py", _agent.Paths("dags"));
    }

    [Fact]
    public async Task Second_agent_on_root_exits_with_75()
    {
        using var log = new MemoryStream();
        var exit = await Program.RunAsync(_agent.Options(_server.Address), new AgentLog(log, TimeProvider.System), TimeProvider.System,
            TestContext.Current.CancellationToken);

        Assert.Equal(75, exit);
    }

    [Fact]
    public async Task Root_is_usable_after_its_agent_stopped()
    {
        Assert.Equal(0, await _agent.StopAsync());
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "three")))));
    }

    [Fact]
    public async Task One_damaged_copy_of_agent_file_loses_no_state()
    {
        await _agent.StopAsync();
        File.WriteAllText(_agent.Own("agent.json"), "{ broken");
        await StartAndDeployAsync();

        Assert.Single(_server.Reports.Select(report => report.AgentId).Distinct(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Agent_refuses_to_trust_again_after_damage_of_both_copies()
    {
        await _agent.StopAsync();
        File.WriteAllText(_agent.Own("agent.json"), "{ broken");
        File.WriteAllText(_agent.Own("agent.json.bak"), "");
        _agent.Start(_server.Address);

        Assert.Equal(ExitCode.Configuration, await _agent.EndAsync());
        Assert.Contains("--server-key", (await _agent.WaitForLogAsync("agent_exited")).GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal("a.py b.py", _agent.Paths("dags"));
    }

    [Fact]
    public async Task Server_key_option_allows_enrollment_after_damage_of_both_copies()
    {
        await _agent.StopAsync();
        File.WriteAllText(_agent.Own("agent.json"), "{ broken");
        File.WriteAllText(_agent.Own("agent.json.bak"), "");
        _agent.Configure = options => options with { ServerKeys = [PublicKey.Of(_server.Key).KeyId] };
        await StartAndDeployAsync();
    }

    [Fact]
    public async Task Agent_enrolls_again_after_removal_of_both_copies()
    {
        await _agent.StopAsync();
        File.Delete(_agent.Own("agent.json"));
        File.Delete(_agent.Own("agent.json.bak"));
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("trusted_state_lost");
        await _agent.WaitForLogAsync("agent_enrolled", occurrences: 2);
        Assert.Equal("a.py b.py", _agent.Paths("dags"));
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "three")))));

        Assert.Equal(2, _server.Reports.Select(report => report.AgentId).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task Older_revision_is_rejected_even_after_loss_of_agent_file()
    {
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "three")))));
        await _agent.StopAsync();
        File.Delete(_agent.Own("agent.json"));
        File.Delete(_agent.Own("agent.json.bak"));
        _server.Revision = 1;
        _agent.Start(_server.Address);
        var line = await _agent.WaitForLogAsync("state_rejected");

        Assert.Contains("is older", line.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Agent_file_is_private()
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_agent.Own("agent.json")));
        Assert.Equal(File.ReadAllText(_agent.Own("agent.json")), File.ReadAllText(_agent.Own("agent.json.bak")));
    }

    [Fact]
    public async Task Leftovers_of_interrupted_flip_are_removed()
    {
        await _agent.StopAsync();
        // A crash just before the flip to revision 2 leaves its directory, a new link, an incomplete tree and temporary files.
        var mount = _server.Mount("new/mount", Tree.Of(("n", "n")));
        var lost = new StateRecord { Epoch = 1, Revision = 2, Mounts = [mount], CreatedDirectories = ["new"] };
        Directory.CreateDirectory(_agent.Own("states", "2"));
        File.WriteAllText(_agent.Own("states", "2", ".updraft"), JsonSerializer.Serialize(lost, AgentFilesJson.Default.StateRecord));
        Directory.CreateDirectory(Path.Join(_agent.Root, "new"));
        File.CreateSymbolicLink(Path.Join(_agent.Root, "new", "mount"), "../.updraft/current/new/mount");
        Directory.CreateDirectory(_agent.Own("trees", new string('a', 64) + ".partial"));
        File.CreateSymbolicLink(_agent.Own("x.updraft-tmp"), "states/2");
        File.WriteAllText(_agent.Own("manifests", "y.updraft-tmp"), "");
        File.Delete(Path.Join(_agent.Root, "dags"));
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("agent_enrolled", occurrences: 2);

        Assert.Equal(".updraft dags dbt", _agent.Top());
        Assert.Equal("a.py b.py", _agent.Paths("dags"));
        Assert.Empty(Directory.GetFiles(_agent.Own(), "*.updraft-tmp", SearchOption.AllDirectories));
        Assert.Empty(Directory.GetDirectories(_agent.Own("trees"), "*.partial"));
    }

    [Fact]
    public async Task Missing_file_is_repaired_at_start()
    {
        await _agent.StopAsync();
        var before = _agent.Mounted("dags");
        File.Delete(Path.Join(_agent.Root, "dags", "a.py"));
        File.WriteAllText(Path.Join(_agent.Root, "dags", "unmanaged.py"), "");
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("agent_enrolled", occurrences: 2);

        var after = _agent.Mounted("dags");
        Assert.Equal("a.py b.py unmanaged.py", string.Join(' ', after.Keys));
        Assert.Equal(("one", before["b.py"]), (after["a.py"].Text, after["b.py"]));
    }

    [Fact]
    public async Task Edited_file_is_repaired_by_hourly_verification()
    {
        await _agent.StopAsync();
        var path = Path.Join(_agent.Root, "dags", "a.py");
        var before = _agent.Mounted("dags");
        File.WriteAllText(path, "ONE");
        File.WriteAllText(Path.Join(_agent.Root, "dags", "unmanaged.py"), "mine");
        _agent.Clock = new ShortHours();
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("tree_repaired");
        await _agent.WaitForLogAsync("unmanaged_files_found");

        var after = _agent.Mounted("dags");
        Assert.Equal(("one", "mine", before["b.py"]), (after["a.py"].Text, after["unmanaged.py"].Text, after["b.py"]));
        Assert.NotEqual(before["a.py"].Inode, after["a.py"].Inode);
    }

    [Fact]
    public async Task Directory_replaced_by_link_is_not_written_through()
    {
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("lib/a.py", "one")))));
        await _agent.StopAsync();
        var elsewhere = Directory.CreateDirectory(Path.Join(_agent.Root, "elsewhere")).FullName;
        Directory.Delete(Path.Join(_agent.Root, "dags", "lib"), recursive: true);
        File.CreateSymbolicLink(Path.Join(_agent.Root, "dags", "lib"), elsewhere);
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("agent_enrolled", occurrences: 2);

        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));
        Assert.Equal("lib/a.py", _agent.Paths("dags"));
    }

    [Fact]
    public async Task Unknown_agent_enrolls_again()
    {
        var forgotten = 0;
        _server.Intercept = context =>
        {
            var forgets = context.Request.Path == AgentRoutes.State && Interlocked.Increment(ref forgotten) == 1;
            if (forgets)
                context.Response.StatusCode = 404;
            return Task.FromResult(forgets);
        };
        _server.Deploy(("dags", Tree.Of(("a.py", "three"))));
        await _server.WaitForActiveAsync(2);
        _server.Deploy(("dags", Tree.Of(("a.py", "four"))));
        await _server.WaitForActiveAsync(3);

        Assert.Equal(2, _server.Requests.Count(request => request.Path == AgentRoutes.Enroll));
    }

    [Fact]
    public async Task Token_is_never_in_log_or_on_disk()
    {
        await _agent.StopAsync();

        Assert.DoesNotContain(StandInServer.Token, _agent.Log, StringComparison.Ordinal);
        Assert.All(Directory.GetFiles(_agent.Own()), path =>
            Assert.DoesNotContain(StandInServer.Token, File.ReadAllText(path), StringComparison.Ordinal));
    }

    private async Task StartAndDeployAsync()
    {
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "three")))));
    }
}
