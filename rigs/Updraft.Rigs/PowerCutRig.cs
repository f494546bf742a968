namespace Updraft.Rigs;

/// <summary>
/// C14: the server's data directory is on an ext4 file system in an image file. Under load, the rig stops the server and copies the image.
/// As after a power cut, the copy contains synced data only. A server starts on the copy, and the rig compares its state with the ledgers.
/// G2, with <c>--at agent</c>, does the same with the agent's root. The mounts of the copy must be whole before the agent starts, and then
/// the agent must converge. The rig must run as root.
/// </summary>
internal sealed class PowerCutRig(RigOptions options, TextWriter output)
{
    private const int CutsPerSite = 10, Deployments = 2;
    private readonly Random _random = new(options.Seed);
    private readonly bool _isAgent = options.Text("at") == "agent";
    private int _cuts;

    public async Task<int> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("updraft-rig-power-").FullName;
        try
        {
            for (var site = 0; _cuts < options.Rounds; site++)
                await RunSiteAsync(Path.Join(folder, $"{site}"));
            output.WriteLine($"cuts={_cuts} at={(_isAgent ? "agent" : "server")} lost=0 seed={options.Seed}");
            return 0;
        }
        catch (ViolationException violation)
        {
            output.WriteLine($"VIOLATION at cut {_cuts + 1}: {violation.Message}");
            output.WriteLine($"cuts={_cuts} broken={violation.Rule} seed={options.Seed}");
            return 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task RunSiteAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        var image = Path.Join(folder, "..", "image");
        await RunAsync("truncate", "-s", "96M", image);
        await RunAsync("mkfs.ext4", "-q", "-F", image);
        using var site = _isAgent
            ? new Site(options, folder) { AgentFolder = "disk/airflow" }
            : new Site(options, folder) { DataDirectory = "disk/data" };
        Directory.CreateDirectory(site.In("disk"));
        await RunAsync("mount", "-o", "loop", image, site.In("disk"));
        try
        {
            await site.StartServerAsync();
            for (var i = 0; i < (_isAgent ? 1 : Deployments); i++)
                await site.AddDeploymentAsync();
            for (var cut = 0; cut < CutsPerSite && _cuts < options.Rounds; cut++, _cuts++)
                await (_isAgent ? CutAgentAsync(site, image) : CutServerAsync(site, image));
        }
        finally
        {
            site.KillAgent();
            site.KillServer();
            await RunAsync("umount", site.In("disk"));
            File.Delete(image);
        }
    }

    private async Task CutServerAsync(Site site, string image)
    {
        await UnderLoadAsync(site, site.Server!, image);
        await ReplaceAsync(site, image);
        await site.StartServerAsync();
        await new Verification(site).CheckAsync();
    }

    private async Task CutAgentAsync(Site site, string image)
    {
        site.StartAgent();
        await UnderLoadAsync(site, site.Agent!, image);
        site.KillAgent();
        await ReplaceAsync(site, image);
        var ledger = site.Ledgers[0];
        await new Verification(site).CheckAsync();
        // Airflow can start before the agent, so the watch reads the mounts before the agent runs.
        await using var watch = new MountWatch(site.Root, ledger);
        await Site.EventuallyAsync(
            () => Task.FromResult(watch.Reads > 0 || watch.Fault is not null), "I5", () => "the watch completed no pass");
        ViolationException.Require(watch.Fault is null, "I5", $"before the agent starts: {watch.Fault}");
        site.StartAgent();
        await watch.SeesAsync(ledger.State, () => site.Agent!.Tail);
        site.KillAgent();
    }

    /// <summary>Stops a program under load and copies the image.</summary>
    private async Task UnderLoadAsync(Site site, ChildProcess program, string image)
    {
        using var end = new CancellationTokenSource();
        var loads = site.Ledgers
            .Select(ledger => new Load(site.Api, ledger, new Random(_random.Next()), Moment.Never).RunAsync(end.Token)).ToList();
        await Task.Delay(_random.Next(20, 700));
        // A stopped program acknowledges nothing. All data of earlier acknowledgements must be in the image.
        program.Signal(Native.Stop);
        await Task.Delay(20);
        await RunAsync("cp", "--sparse=always", image, image + ".cut");
        await end.CancelAsync();
        if (program == site.Server)
            site.KillServer();
        await Task.WhenAll(loads);
    }

    private static async Task ReplaceAsync(Site site, string image)
    {
        await RunAsync("umount", site.In("disk"));
        File.Delete(image);
        File.Move(image + ".cut", image);
        await RunAsync("mount", "-o", "loop", image, site.In("disk"));
    }

    private static async Task RunAsync(params string[] command)
    {
        using var process = new ChildProcess(command);
        await process.ExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{string.Join(' ', command)}: {process.Output}");
    }
}
