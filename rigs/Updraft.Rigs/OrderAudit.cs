namespace Updraft.Rigs;

/// <summary>
/// C4 to C8 without a crash: traces the server's system calls. All data behind an acknowledgement must be durable before the first byte of
/// the response is sent.
/// </summary>
internal sealed class OrderAudit(RigOptions options, TextWriter output)
{
    private const string Calls =
        "-y -s 48 -e trace=fsync,fdatasync,syncfs,rename,mkdir,write,writev,pwrite64,pwritev,ftruncate,sendto,sendmsg";

    public async Task<int> RunAsync()
    {
        using var site = new Site(options);
        await site.StartServerAsync();
        await site.AddDeploymentAsync();
        var log = site.In("tokens/trace");
        List<string> journal;
        using (var trace = await ChildProcess.TraceAsync(site.Server!.Id, Calls, log))
        {
            site.Api.Journal.Clear();
            await WorkAsync(site);
            journal = [.. site.Api.Journal];
            site.KillServer();
            await trace.ExitsWithinAsync(TimeSpan.FromSeconds(20));
        }
        try
        {
            var order = new DurableOrder(site.In("data"), journal);
            foreach (var line in File.ReadLines(log))
                order.Read(line);
            order.Complete();
            output.WriteLine($"responses={order.Responses} renames={order.Renames} syncs={order.Syncs} early=0");
            return 0;
        }
        catch (ViolationException violation)
        {
            output.WriteLine($"VIOLATION {violation.Message}");
            return 1;
        }
    }

    private async Task WorkAsync(Site site)
    {
        var ledger = site.Ledgers[0];
        var load = new Load(site.Api, ledger, new Random(options.Seed), Moment.Never);
        foreach (var mount in (string[])["dags", "dbt/one", "dags", "dags", "dbt/two", "dags"])
        {
            var row = (await load.CreateAsync(mount))!;
            ViolationException.Require(
                await load.UploadAsync(row) && await load.FinishAsync(row, row.Uploads[0].Version), "audit", "no response");
        }
        ViolationException.Require(await load.RollBackAsync(ledger.Rows[0]), "audit", "no response");
    }
}
