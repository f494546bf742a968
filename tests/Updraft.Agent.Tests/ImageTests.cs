using System.Globalization;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

/// <summary>Images by the driver <c>exec</c>: real commands, real processes; what they were told is a line in the file <c>ran</c>.</summary>
public sealed class ImageTests : IAsyncLifetime
{
    private const string Repository = "registry.example.com/org/dep";

    /// <summary>Notes what it was told, then does what the file <c>do</c> says; without one it succeeds.</summary>
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
    public async Task The_image_runs_before_the_revision_is_prepared_and_the_bundles_move()
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
        Assert.Equal([$"{Two} is to run instead of {One}.", "starting", $"{Two} runs."], step.Log.Select(line => line.Text));
    }

    [Fact]
    public async Task The_command_gets_the_digest_and_its_parts_and_never_the_token()
    {
        _agent.Configure = options => options with { ImageDriver = "exec", ImageCommand = "env > told" };
        Environment.SetEnvironmentVariable("UPDRAFT_AGENT_TOKEN", StandInServer.Token);
        var digest = "sha256:" + new string('a', 64);
        Deploy(One with { Digest = digest });
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        Environment.SetEnvironmentVariable("UPDRAFT_AGENT_TOKEN", null);

        var told = File.ReadAllLines(Path.Join(_agent.Root, "told"));
        Assert.Equal([$"UPDRAFT_IMAGE={Repository}@{digest}", "UPDRAFT_IMAGE_BEFORE=", $"UPDRAFT_IMAGE_DIGEST={digest}",
            $"UPDRAFT_IMAGE_REPOSITORY={Repository}", "UPDRAFT_IMAGE_TAG=one"],
            told.Where(line => line.StartsWith("UPDRAFT_IMAGE", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(told, line => line.StartsWith("UPDRAFT_AGENT_TOKEN", StringComparison.Ordinal));
        Assert.DoesNotContain(told, line => line.Contains(StandInServer.Token, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_image_that_runs_is_left_alone_by_deploys_of_other_things_and_by_restarts()
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
    public async Task An_agent_without_a_driver_rolls_out_nothing()
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
    public async Task An_agent_that_gets_a_driver_lets_the_image_run_that_was_deployed_before()
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
    public async Task An_image_that_fails_is_undone_and_given_up_and_another_revision_works()
    {
        Deploy(One);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        Do($"[ \"$UPDRAFT_IMAGE\" = {Two} ] || exit 0; echo no such image; exit 3");
        Deploy(Two);
        var failed = await _server.WaitForFailureAsync(2);

        Assert.Equal((true, 1, One), (failed.HasGivenUp, failed.ActiveRevision, failed.Image));
        Assert.Equal($"The image {Two} does not run: the command ended with exit code 3. {One} was brought back. Its last output:\nno such image",
            failed.Message);
        Assert.Equal([("image", StepStatus.Failed), ("image-restore", StepStatus.Completed)], failed.Steps!.Select(step => (step.Name, step.Status)));
        Assert.Equal("The command ended with exit code 3.", failed.Steps![0].Log[^1].Text);
        Assert.Equal("revision 1", _agent.Texts("dags")["a.py"]);

        await _agent.StopAsync();
        _agent.Start(_server.Address);
        await _server.WaitForReportAsync(report => report is { Phase: AgentPhase.Active, Revision: 1, Steps: null });
        await _agent.WaitForLogAsync("given_up", 2);
        Deploy(Three);
        await _server.WaitForActiveAsync(3);
        Assert.Equal([$"{One}<", $"{Two}<{One}", $"{One}<{Two}", $"{Three}<{One}"], Ran());
    }

    [Fact]
    public async Task An_image_that_takes_too_long_is_killed_with_everything_it_started()
    {
        _agent.Configure = options => options with { ImageDriver = "exec", ImageCommand = Command, ImageTimeout = TimeSpan.FromSeconds(2) };
        Do("sleep 600 & echo $! > child; wait");
        Deploy(One);
        _agent.Start(_server.Address);
        var failed = await _server.WaitForFailureAsync(1);

        Assert.Contains("the command took longer than 2 s. There is no other image to go back to.", failed.Message);
        Assert.True(failed.HasGivenUp);
        Assert.Equal([$"{One}<"], Ran());
        await Eventually(() => !IsAlive("child"));
        // It was running for longer than a second, and said so meanwhile.
        var step = Assert.Single((await _server.WaitForReportAsync(report => report.Phase == AgentPhase.Preparing)).Steps!);
        Assert.Equal(("image", StepStatus.Running), (step.Name, step.Status));
    }

    [Fact]
    public async Task A_restore_that_fails_too_is_told_and_the_image_before_counts_as_uncertain()
    {
        Deploy(One);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        Do("exit 4");
        Deploy(Two);
        Assert.Contains($"{One} could not be brought back either: the command ended with exit code 4.", (await _server.WaitForFailureAsync(2)).Message);
        File.Delete(Path.Join(_agent.Root, "do"));
        Deploy(One);
        await _server.WaitForActiveAsync(3);

        Assert.Equal([$"{One}<", $"{Two}<{One}", $"{One}<{Two}", $"{One}<{One}"], Ran());
    }

    [Fact]
    public async Task A_newer_revision_ends_the_rollout_of_an_older_one_and_leaves_nothing_uncertain()
    {
        Deploy(One);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        Do($"[ \"$UPDRAFT_IMAGE\" = {Two} ] || exit 0; sleep 600 & echo $! > child; wait");
        Deploy(Two);
        await Eventually(() => File.Exists(Path.Join(_agent.Root, "child")));
        // The image of the first revision again: nothing would be to do, had the second not been begun.
        Deploy(One);
        await _server.WaitForActiveAsync(3);
        Deploy(Three);
        await _server.WaitForActiveAsync(4);

        await Eventually(() => !IsAlive("child"));
        Assert.Equal([$"{One}<", $"{Two}<{One}", $"{One}<{One}", $"{Three}<{One}"], Ran());
        Assert.DoesNotContain(_server.Reports, report => report.Phase == AgentPhase.Failed);
    }

    [Fact]
    public async Task An_agent_that_was_stopped_in_the_middle_of_a_rollout_begins_it_again()
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
    public async Task With_once_an_image_that_fails_ends_the_agent()
    {
        _agent.Configure = options => options with { Once = true, ImageDriver = "exec", ImageCommand = "exit 1" };
        Deploy(One);
        _agent.Start(_server.Address);

        Assert.Equal(70, await _agent.EndAsync());
        Assert.True((await _server.WaitForFailureAsync(1)).HasGivenUp);
    }

    [Fact]
    public async Task With_once_an_agent_that_has_something_to_serve_does_not_wait_for_the_others()
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
    public async Task With_once_an_agent_that_has_nothing_waits_for_the_others()
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
    public async Task A_log_that_is_too_long_is_cut_to_what_a_server_takes()
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
    public async Task The_check_is_a_step_with_a_log_and_control_characters_are_made_readable()
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

    private void Do(string what) => File.WriteAllText(Path.Join(_agent.Root, "do"), what);

    private string[] Ran() => File.ReadAllText(Path.Join(_agent.Root, "ran")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private bool IsAlive(string file)
    {
        var id = int.Parse(File.ReadAllText(Path.Join(_agent.Root, file)), CultureInfo.InvariantCulture);
        // A killed process may stay as a zombie until somebody collects it.
        return File.Exists($"/proc/{id}/stat") && !File.ReadAllText($"/proc/{id}/stat").Contains(") Z ", StringComparison.Ordinal);
    }
}
