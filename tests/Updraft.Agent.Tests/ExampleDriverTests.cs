using System.Diagnostics;

namespace Updraft.Agent.Tests;

/// <summary>Tests the scripts of examples/image-drivers with stubs of Docker, Podman and systemd, which record their calls.</summary>
public sealed class ExampleDriverTests : IDisposable
{
    private const string Repository = "registry.example.com:5000/org/dep", Image = Repository + "@sha256:12";

    private readonly string _directory = Directory.CreateTempSubdirectory("updraft-example-").FullName;

    public ExampleDriverTests()
    {
        Directory.CreateDirectory(At("bin"));
        Directory.CreateDirectory(At("project"));
        File.WriteAllText(At("token"), "the token\n");
        foreach (var program in new[] { "docker", "podman", "systemctl", "journalctl" })
            Stub(program, "exit 0");
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Compose_logs_in_pulls_and_waits_for_services()
    {
        Stub("docker", "[ \"$1\" != login ] || cat >> called");
        File.WriteAllText(At("project/.env"), "OTHER=1\n");
        var (exit, output) = await RunAsync("compose");

        Assert.True(exit == 0, output);
        Assert.Equal(
        [
            "docker login --username cli --password-stdin registry.example.com:5000", "the token", $"docker pull --quiet {Image}",
            $"docker compose --project-directory {At("project")} --env-file {At("project/image.env")} --env-file {At("project/.env")} "
                + "up --detach --wait --wait-timeout 300",
        ], Called());
        Assert.Equal($"AIRFLOW_IMAGE={Image}\n", File.ReadAllText(At("project/image.env")));
    }

    [Fact]
    public async Task Missing_image_stops_no_service()
    {
        Stub("docker", "[ \"$1\" = login ]");
        var (exit, _) = await RunAsync("compose");

        Assert.NotEqual(0, exit);
        Assert.DoesNotContain(Called(), call => call.Contains(" compose ", StringComparison.Ordinal));
        Assert.False(File.Exists(At("project/image.env")));
    }

    [Fact]
    public async Task Local_image_needs_no_registry()
    {
        Stub("docker", "case \"$1\" in login | pull) exit 1 ;; esac");
        var (exit, output) = await RunAsync("compose");

        Assert.True(exit == 0, output);
        Assert.Contains($"docker image inspect {Image}", Called());
    }

    [Fact]
    public async Task Systemd_restarts_units_and_verifies_that_they_stay_active()
    {
        var (exit, output) = await RunAsync("systemd", "airflow-scheduler", "airflow-triggerer");

        Assert.True(exit == 0, output);
        Assert.Equal(
        [
            "podman login --username cli --password-stdin registry.example.com:5000", $"podman pull --quiet {Image}",
            "systemctl restart airflow-scheduler airflow-triggerer", "systemctl is-active --quiet airflow-scheduler",
            "systemctl is-active --quiet airflow-triggerer",
        ], Called());
        Assert.Equal($"AIRFLOW_IMAGE={Image}\n", File.ReadAllText(At("project/image.env")));

        Stub("systemctl", "[ \"$1\" != is-active ]");
        (exit, output) = await RunAsync("systemd", "airflow-scheduler");
        Assert.Equal((1, "airflow-scheduler is not active:\n"), (exit, output));
    }

    private void Stub(string program, string body)
    {
        var path = At("bin/" + program);
        File.WriteAllText(path + ".text", $"#!/bin/sh\necho \"{program} $*\" >> called\n{body}\n");
        // A child process of another test can inherit an open file of this process, which then cannot be executed. So 'cp' creates it.
        using var copy = Process.Start("/bin/sh", ["-c", "cp \"$0\" \"$1\" && chmod +x \"$1\"", path + ".text", path]);
        copy.WaitForExit();
    }

    private string[] Called() => File.ReadAllLines(At("called"));

    private async Task<(int Exit, string Output)> RunAsync(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo("/bin/sh", [Path.Join(Root(), "examples/image-drivers", script), .. arguments])
        {
            WorkingDirectory = _directory,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in new[]
        {
            ("PATH", At("bin") + ":/usr/bin:/bin"), ("UPDRAFT_IMAGE", Image), ("UPDRAFT_IMAGE_REPOSITORY", Repository),
            ("SETTLE_SECONDS", "0"),
            ("COMPOSE_PROJECT", At("project")), ("IMAGE_ENV_FILE", At("project/image.env")), ("REGISTRY_TOKEN_FILE", At("token")),
        })
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output);
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Join(directory.FullName, "Updraft.slnx")))
            directory = directory.Parent!;
        return directory.FullName;
    }

    private string At(string name) => Path.Join(_directory, name);
}
