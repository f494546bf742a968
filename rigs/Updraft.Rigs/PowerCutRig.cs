namespace Updraft.Rigs;

/// <summary>
/// C14: the server's data folder lies on an ext4 file system in an image file. In the midst of load all stands still, the image is
/// copied as a power cut would leave it, with only what was synced in it; a server starts on the copy and is compared with the ledgers.
/// Must run as root.
/// </summary>
internal sealed class PowerCutRig(RigOptions options, TextWriter output)
{
    private const int CutsPerSite = 10, Deployments = 2;
    private readonly Random _random = new(options.Seed);
    private int _cuts;

    public async Task<int> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("updraft-rig-power-").FullName;
        try
        {
            for (var site = 0; _cuts < options.Rounds; site++)
                await RunSiteAsync(Path.Join(folder, $"{site}"));
            output.WriteLine($"cuts={_cuts} lost=0 seed={options.Seed}");
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
        using var site = new Site(options, folder) { DataFolder = "disk/data" };
        Directory.CreateDirectory(site.In("disk"));
        await RunAsync("mount", "-o", "loop", image, site.In("disk"));
        try
        {
            await site.StartServerAsync();
            for (var i = 0; i < Deployments; i++)
                await site.AddDeploymentAsync();
            for (var cut = 0; cut < CutsPerSite && _cuts < options.Rounds; cut++, _cuts++)
                await CutAsync(site, image);
        }
        finally
        {
            site.KillServer();
            await RunAsync("umount", site.In("disk"));
            File.Delete(image);
        }
    }

    private async Task CutAsync(Site site, string image)
    {
        using var end = new CancellationTokenSource();
        var server = site.Server!;
        var loads = site.Ledgers.Select(ledger => new Load(site.Api, ledger, new Random(_random.Next()), Moment.Never).RunAsync(end.Token)).ToList();
        await Task.Delay(_random.Next(20, 700));
        // Stopped, it acknowledges nothing more; what it acknowledged before must be in the image.
        server.Signal(Native.Stop);
        await Task.Delay(20);
        await RunAsync("cp", "--sparse=always", image, image + ".cut");
        await end.CancelAsync();
        site.KillServer();
        await Task.WhenAll(loads);
        await RunAsync("umount", site.In("disk"));
        File.Delete(image);
        File.Move(image + ".cut", image);
        await RunAsync("mount", "-o", "loop", image, site.In("disk"));
        await site.StartServerAsync();
        await new Verification(site).CheckAsync();
    }

    private static async Task RunAsync(params string[] command)
    {
        using var process = new ChildProcess(command);
        await process.ExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{string.Join(' ', command)}: {process.Output}");
    }
}
