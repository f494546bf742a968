namespace Updraft.Rigs;

/// <summary>D5, D7: damage in the store never reaches a mount, and the server follows no symbolic link in the store.</summary>
internal sealed class DamageRig(RigOptions options, TextWriter output)
{
    private readonly int _flips = options.Number("flips", 4);

    public async Task<int> RunAsync()
    {
        try
        {
            for (var i = 0; i < _flips; i++)
            {
                // Content that does not compress is stored unchanged in the pack, so only its digest can detect the damage.
                await CheckAsync(pack =>
                {
                    var bytes = File.ReadAllBytes(pack);
                    bytes[bytes.Length / 8 * (i + 1) + 17] ^= 0x20;
                    File.WriteAllBytes(pack, bytes);
                }, $"flip {i}");
            }
            await CheckAsync(pack =>
            {
                var elsewhere = Path.Join(Path.GetTempPath(), "updraft-rig-" + Path.GetRandomFileName());
                File.Move(pack, elsewhere);
                File.CreateSymbolicLink(pack, elsewhere);
            }, "link");
            await CheckAsync(File.Delete, "missing");
            output.WriteLine($"damages={_flips + 2} mounted=0");
            return 0;
        }
        catch (ViolationException violation)
        {
            output.WriteLine($"VIOLATION {violation.Message}");
            return 1;
        }
    }

    private async Task CheckAsync(Action<string> damage, string name)
    {
        using var site = new Site(options);
        await site.StartServerAsync();
        await site.AddDeploymentAsync();
        var ledger = site.Ledgers[0];
        var load = new Load(site.Api, ledger, new Random(options.Seed), Moment.Never);
        var row = (await load.CreateAsync("dags"))!;
        ViolationException.Require(await load.UploadAsync(row) && await load.FinishAsync(row, row.Uploads[0].Version), name, "no response");
        var pack = Directory.EnumerateFiles(site.In("data/blobs/packs"), "*", SearchOption.AllDirectories).Single();
        damage(pack);
        var target = new FileInfo(pack).LinkTarget;
        try
        {
            site.StartAgent();
            var dags = Path.Join(site.Root, "dags");
            // Before its first revision, the agent makes an empty directory for Airflow to read.
            bool IsMounted() => Directory.Exists(dags) && Directory.EnumerateFileSystemEntries(dags).Any();
            await Site.EventuallyAsync(
                () => Task.FromResult(site.Agent!.Output.Contains("\"revision_failed\"", StringComparison.Ordinal) || IsMounted()),
                name, () => site.Agent!.Tail);
            ViolationException.Require(!IsMounted(), name,
                "the damaged deploy was mounted: "
                    + (IsMounted() ? row.Uploads[0].Tree.Difference(FileTree.Read(dags)) ?? "through the link" : ""));
        }
        finally
        {
            if (target is not null)
                File.Delete(target);
        }
    }
}
