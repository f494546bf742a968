using System.Globalization;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

/// <summary>The driver <c>exec</c> with real commands and processes. Each call of the command adds a line to the file <c>ran</c>.</summary>
public sealed class ImageTests : IAsyncLifetime
{
    private const string Repository = "registry.example.com/org/dep";

    /// <summary>Records its environment, then runs the file <c>do</c>. Without the file it succeeds.</summary>
    private const string Command = "echo \"$UPDRAFT_IMAGE<${UPDRAFT_IMAGE_BEFORE}\" >> ran; if [ -e do ]; then . ./do; fi";

    private static readonly ImageReference One = new(Repository, "one"), Two = new(Repository, "two"), Three = new(Repository, "three");
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _agent.Configure = options => options with { ImageDriver = "exec", ImageCommand = Command };
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Image_runs_before_revision_is_prepared_and_activated()
    {
        Do("cat dags/a.py >> ran; echo starting");
        Deploy(One);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        Deploy(Two);
        await _server.WaitForActiveAsync(2);

        Assert.Equal("exec", Assert.Single(_server.Enrolments).ImageDriver);
        Assert.Equal([$"{One}<", $"{Two}<{One}", "revision 1"], Ran());
        var prepared = _server.Reports.First(report => report is { Phase: AgentPhase.Prepared, Revision: 2 });
        Assert.Equal((1, Two), (prepared.ActiveRevision, prepared.Image));
        var step = Assert.Single(prepared.Steps!);
        Assert.Equal(("image", StepStatus.Completed), (step.Name, step.Status));
        Assert.Equal([$"Rolling out {Two} in place of {One}.", "starting", $"{Two} runs."], step.Log.Select(line => line.Text));
    }

    [Fact]
    public async Task Command_gets_digest_and_parts_but_no_token()
    {
        _agent.Configure = options => options with { ImageDriver = "exec", ImageCommand = "env > environment" };
        Environment.SetEnvironmentVariable("UPDRAFT_AGENT_TOKEN", StandInServer.Token);
        var digest = "sha256:" + new string('a', 64);
        Deploy(One with { Digest = digest });
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        Environment.SetEnvironmentVariable("UPDRAFT_AGENT_TOKEN", null);

        var environment = File.ReadAllLines(Path.Join(_agent.Root, "environment"));
        Assert.Equal([$"UPDRAFT_IMAGE={Repository}@{digest}", "UPDRAFT_IMAGE_BEFORE=", $"UPDRAFT_IMAGE_DIGEST={digest}",
            $"UPDRAFT_IMAGE_REPOSITORY={Repository}", "UPDRAFT_IMAGE_TAG=one"],
            environment.Where(line => line.StartsWith("UPDRAFT_IMAGE", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(environment, line => line.StartsWith("UPDRAFT_AGENT_TOKEN", StringComparison.Ordinal));
        Assert.DoesNotContain(environment, line => line.Contains(StandInServer.Token, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Running_image_survives_other_deploys_and_restarts()
    {
        Deploy(One with { Digest = "sha256:1" });
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        Deploy(Two with { Digest = "sha256:1" });
        await _server.WaitForActiveAsync(2);
        await _agent.StopAsync();
        Deploy(null);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(3);
        Assert.Single(Ran());

        Deploy(Two with { Digest = "sha256:2" });
        var report = await _server.WaitForActiveAsync(4);
        Assert.Equal($"{Repository}@sha256:2<{Repository}@sha256:1", Ran()[^1]);
        Assert.Equal((2, "sha256:2"), (Ran().Length, report.Image!.Digest));
    }

    [Fact]
    public async Task Agent_without_driver_rolls_out_no_image()
    {
        _agent.Configure = options => options;
        Deploy(One);
        _agent.Start(_server.Address);
        var report = await _server.WaitForActiveAsync(1);

        Assert.Null(report.Image);
        Assert.Null(report.Steps);
        Assert.Null(Assert.Single(_server.Enrolments).ImageDriver);
    }

    [Fact]
    public async Task New_driver_rolls_out_image_of_earlier_deploy()
    {
        var configured = _agent.Configure;
        _agent.Configure = options => options;
        Deploy(One);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        await _agent.StopAsync();
        _agent.Configure = configured;
        _agent.Start(_server.Address);
        await _server.WaitForReportAsync(report => report.Image == One);

        Assert.Equal([$"{One}<"], Ran());
        Assert.Equal([null, "exec"], _server.Enrolments.Select(request => request.ImageDriver));
    }

    [Fact]
    public async Task Failed_image_is_restored_and_aborted_until_next_revision()
    {
        Deploy(One);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        Do($"[ \"$UPDRAFT_IMAGE\" = {Two} ] || exit 0; echo no such image; exit 3");
        Deploy(Two);
        var failed = await _server.WaitForFailureAsync(2);

        Assert.Equal((true, 1, One), (failed.HasGivenUp, failed.ActiveRevision, failed.Image));
        Assert.Equal($"The image {Two} does not run: the command ended with exit code 3. {One} was restored. "
            + "Its last output:\nno such image", failed.Message);
        Assert.Equal([("image", StepStatus.Failed), ("image-restore", StepStatus.Completed)],
            failed.Steps!.Select(step => (step.Name, step.Status)));
        Assert.Equal("The command ended with exit code 3.", failed.Steps![0].Log[^1].Text);
        Assert.Equal("revision 1", _agent.Texts("dags")["a.py"]);

        await _agent.StopAsync();
        _agent.Start(_server.Address);
        await _server.WaitForReportAsync(report => report is { Phase: AgentPhase.Active, Revision: 1, Steps: null });
        await _agent.WaitForLogAsync("revision_aborted", 2);
        Deploy(Three);
        await _server.WaitForActiveAsync(3);
        Assert.Equal([$"{One}<", $"{Two}<{One}", $"{One}<{Two}", $"{Three}<{One}"], Ran());
    }

    [Fact]
    public async Task Slow_image_command_is_killed_with_its_children()
    {
        _agent.Configure = options => options with { ImageDriver = "exec", ImageCommand = Command, ImageTimeout = TimeSpan.FromSeconds(2) };
        Do("sleep 600 & echo $! > child; wait");
        Deploy(One);
        _agent.Start(_server.Address);
        var failed = await _server.WaitForFailureAsync(1);

        Assert.Contains("the command took longer than 2 s. There is no earlier image to restore.", failed.Message);
        Assert.True(failed.HasGivenUp);
        Assert.Equal([$"{One}<"], Ran());
        await Eventually(() => !IsAlive("child"));
        // The command ran for more than a second, so the agent reported the running step.
        var step = Assert.Single((await _server.WaitForReportAsync(report => report.Phase == AgentPhase.Preparing)).Steps!);
        Assert.Equal(("image", StepStatus.Running), (step.Name, step.Status));
    }

    [Fact]
    public async Task Failed_restore_is_reported_and_leaves_image_uncertain()
    {
        Deploy(One);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        Do("exit 4");
        Deploy(Two);
        var failure = await _server.WaitForFailureAsync(2);
        Assert.Contains($"{One} could not be restored: the command ended with exit code 4.", failure.Message);
        File.Delete(Path.Join(_agent.Root, "do"));
        Deploy(One);
        await _server.WaitForActiveAsync(3);

        Assert.Equal([$"{One}<", $"{Two}<{One}", $"{One}<{Two}", $"{One}<{One}"], Ran());
    }

    [Fact]
    public async Task Newer_revision_cancels_rollout_and_leaves_no_uncertainty()
    {
        Deploy(One);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        Do($"[ \"$UPDRAFT_IMAGE\" = {Two} ] || exit 0; sleep 600 & echo $! > child; wait");
        Deploy(Two);
        await Eventually(() => File.Exists(Path.Join(_agent.Root, "child")));
        // This is the image of the first revision. Without the interrupted rollout of the second one, no rollout would be necessary.
        Deploy(One);
        await _server.WaitForActiveAsync(3);
        Deploy(Three);
        await _server.WaitForActiveAsync(4);

        await Eventually(() => !IsAlive("child"));
        Assert.Equal([$"{One}<", $"{Two}<{One}", $"{One}<{One}", $"{Three}<{One}"], Ran());
        Assert.DoesNotContain(_server.Reports, report => report.Phase == AgentPhase.Failed);
    }

    [Fact]
    public async Task Agent_stopped_during_rollout_repeats_it()
    {
        Deploy(One);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        Do("[ -e go ] || { sleep 600 & echo $! > child; wait; }");
        Deploy(Two);
        await Eventually(() => File.Exists(Path.Join(_agent.Root, "child")));
        Assert.Equal(0, await _agent.StopAsync());
        await Eventually(() => !IsAlive("child"));
        File.WriteAllText(Path.Join(_agent.Root, "go"), "");
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(2);

        Assert.Equal([$"{One}<", $"{Two}<{One}", $"{Two}<{One}"], Ran());
    }

    [Fact]
    public async Task Once_exits_with_70_after_failed_image()
    {
        _agent.Configure = options => options with { Once = true, ImageDriver = "exec", ImageCommand = "exit 1" };
        Deploy(One);
        _agent.Start(_server.Address);

        Assert.Equal(70, await _agent.EndAsync());
        Assert.True((await _server.WaitForFailureAsync(1)).HasGivenUp);
    }

    [Fact]
    public async Task Once_does_not_wait_for_others_with_mounted_files()
    {
        _agent.Configure = options => options with { Once = true };
        Deploy(One);
        _agent.Start(_server.Address);
        Assert.Equal(0, await _agent.EndAsync());
        _server.AlterState = state => state.Revision == 2 ? state with { Phase = StatePhase.Prepare } : state;
        Deploy(Two);
        _agent.Start(_server.Address);

        Assert.Equal(0, await _agent.EndAsync());
        Assert.Equal("revision 1", _agent.Texts("dags")["a.py"]);
        await _server.WaitForReportAsync(report => report is { Phase: AgentPhase.Prepared, Revision: 2 });
    }

    [Fact]
    public async Task Once_waits_for_others_without_mounted_files()
    {
        _agent.Configure = options => options with { Once = true };
        var isHeld = true;
        _server.AlterState = state => isHeld && state.Revision == 1 ? state with { Phase = StatePhase.Prepare } : state;
        Deploy(One);
        _agent.Start(_server.Address);
        await _server.WaitForReportAsync(report => report is { Phase: AgentPhase.Prepared, Revision: 1 });
        isHeld = false;
        _server.Signal();

        Assert.Equal(0, await _agent.EndAsync());
        Assert.Equal("revision 1", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Long_step_log_is_cut_to_server_limit()
    {
        Do("printf 'nul \\000 and \\033[1m\\n'; i=0; while [ $i -lt 1000 ]; do printf '%2000s<<<<\\n' $i; i=$((i+1)); done");
        Deploy(One);
        _agent.Start(_server.Address);
        var step = Assert.Single((await _server.WaitForActiveAsync(1)).Steps!);

        Assert.InRange(step.Log.Count, 50, 200);
        Assert.All(step.Log, line => Assert.InRange(line.Text.Length, 1, 1000));
        Assert.EndsWith("runs.", step.Log[^1].Text);
    }

    [Fact]
    public async Task Check_is_a_step_with_readable_log()
    {
        _agent.Configure = options => options with { Check = "printf 'line one\\rnul\\000\\n'; exit 5" };
        Deploy(null);
        _agent.Start(_server.Address);
        var step = Assert.Single((await _server.WaitForFailureAsync(1)).Steps!);

        Assert.Equal(("check/dags", StepStatus.Failed), (step.Name, step.Status));
        Assert.Equal(["line one", "nul?", "The check ended with exit code 5."], step.Log.Select(line => line.Text));
    }

    private static async Task Eventually(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(20, TestContext.Current.CancellationToken);
    }

    private void Deploy(ImageReference? image)
    {
        _server.Image = image;
        _server.Deploy(("dags", Tree.Of(("a.py", $"revision {_server.Revision + 1}"))));
    }

    private void Do(string script) => File.WriteAllText(Path.Join(_agent.Root, "do"), script);

    private string[] Ran() => File.ReadAllText(Path.Join(_agent.Root, "ran")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private bool IsAlive(string file)
    {
        var id = int.Parse(File.ReadAllText(Path.Join(_agent.Root, file)), CultureInfo.InvariantCulture);
        // A killed process can stay as a zombie until its parent reads its exit code.
        return File.Exists($"/proc/{id}/stat") && !File.ReadAllText($"/proc/{id}/stat").Contains(") Z ", StringComparison.Ordinal);
    }
}
