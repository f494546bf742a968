using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace Updraft.Bench;

/// <summary>
/// P4: upload of a bundle of 5,000 files in 50 MB of gzip, beside unpacking and hashing the same file in a shell, and pushing it to a
/// registry as a blob. P5: the first install of that bundle on a machine, beside <c>tar xzf</c>. Nothing is known from the round before.
/// </summary>
internal sealed class Ingest(BenchOptions options, Site site, ImageRegistry registry, string project)
{
    private const int AverageBytes = 38_500;
    private readonly string _archive = Path.Join(project, "project.tgz");
    private readonly List<double> _first = [], _changed = [], _pipe = [], _push = [], _cold = [], _tar = [];

    public static async Task RunAsync(BenchOptions options, Table table)
    {
        var project = options.NewFolder("p4-project");
        Project.Write(project, AverageBytes);
        var port = LoopbackPort.Lease();
        using var site = await Site.StartAsync(options, "p4", $"--Registry=127.0.0.1:{port}");
        using var registry = await ImageRegistry.StartAsync(options, site, port);
        var ingest = new Ingest(options, site, registry, project);
        // The round that warms is not counted: the server compiles what is used most while it runs.
        await ingest.RunRoundAsync(0, counts: false);
        for (var round = 1; round <= options.Samples(5); round++)
            await ingest.RunRoundAsync(round, counts: true);
        ingest.Show(table);
    }

    private async Task RunRoundAsync(int round, bool counts)
    {
        await PackAsync(round);
        var pipe = (await ChildProcess.TimeAsync($"gzip -dc '{_archive}' | sha256sum", project)).TotalMilliseconds;
        var digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(_archive)));
        var token = await registry.TokenAsync("pull,push");
        var push = await TimeAsync(() => registry.PushFileAsync(token, _archive, digest));

        var deployment = await site.CreateDeploymentAsync(string.Create(CultureInfo.InvariantCulture, $"round-{round}"));
        var first = await UploadAsync(deployment);
        var (cold, tar) = options.Wants("P5") ? await InstallAsync(round) : (0, 0);
        await PackAsync(1000 + round);
        var changed = await UploadAsync(deployment);
        if (!counts)
            return;
        _pipe.Add(pipe);
        _push.Add(push);
        _first.Add(first);
        _changed.Add(changed);
        _cold.Add(cold);
        _tar.Add(tar);
    }

    private void Show(Table table)
    {
        var (first, changed, pipe, push) = (Figures.Median(_first), Figures.Median(_changed), Figures.Median(_pipe), Figures.Median(_push));
        if (options.Wants("P4"))
        {
            table.Ratio("P4", "first upload, 5,000 files, 50 MB: gzip -dc | sha256sum", first, pipe, Figures.Milliseconds, Goal.AtMost(1.3));
            table.Ratio("P4", "first upload, 5,000 files, 50 MB: Distribution, blob push", first, push, Figures.Milliseconds, Goal.AtMost(1));
            table.Ratio("P4", "upload, one file changed: gzip -dc | sha256sum", changed, pipe, Figures.Milliseconds, Goal.AtMost(1.3));
            table.Ratio("P4", "upload, one file changed: Distribution, blob push", changed, push, Figures.Milliseconds, Goal.AtMost(1));
        }
        if (options.Wants("P5"))
            table.Ratio("P5", "cold install of that bundle: tar xzf", Figures.Median(_cold), Figures.Median(_tar), Figures.Milliseconds, Goal.AtMost(1.2));
    }

    private async Task PackAsync(int round)
    {
        Project.Change(project, round);
        await ChildProcess.RunAsync(["tar", "-C", project, "-czf", _archive, "dags"]);
        // What was written goes to the disk now, and not while something is measured.
        await ChildProcess.RunAsync(["sync", "-f", _archive]);
    }

    private async Task<double> UploadAsync(string deployment)
    {
        var deploy = await site.CreateDeployAsync(deployment);
        return await TimeAsync(() => site.UploadAsync(deploy.DagsUploadUrl!, _archive));
    }

    private async Task<(double Updraft, double Tar)> InstallAsync(int round)
    {
        await site.FinalizeAsync(await site.PrepareDeployAsync(_archive));
        var (command, root) = await site.AgentCommandAsync(string.Create(CultureInfo.InvariantCulture, $"cold-{round}"));
        var updraft = await TimeAsync(() => ChildProcess.RunAsync([.. command, "--once"]));
        if (!File.Exists(Path.Join(root, Project.PathOf(Project.Files - 1))))
            throw new BenchException("The agent did not install the bundle.");
        Directory.Delete(root, recursive: true);
        var unpacked = options.NewFolder("p5-tar");
        await ChildProcess.RunAsync(["sync", "-f", unpacked]);
        var tar = await ChildProcess.TimeAsync($"exec tar xzf '{_archive}'", unpacked);
        Directory.Delete(unpacked, recursive: true);
        return (updraft, tar.TotalMilliseconds);
    }

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var clock = Stopwatch.StartNew();
        await work();
        return clock.Elapsed.TotalMilliseconds;
    }
}
