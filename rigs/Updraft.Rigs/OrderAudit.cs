namespace Updraft.Rigs;

/// <summary>
/// C4 to C8 without a crash: watches the server's system calls and demands that whatever an answer acknowledges was made durable
/// before the answer's first byte went out.
/// </summary>
internal sealed class OrderAudit(RigOptions options, TextWriter output)
{
    private const string Calls = "-y -s 48 -e trace=fsync,fdatasync,syncfs,rename,mkdir,write,writev,pwrite64,pwritev,ftruncate,sendto,sendmsg";

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
            output.WriteLine($"answers={order.Answers} renames={order.Renames} syncs={order.Syncs} early=0");
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
            ViolationException.Require(await load.UploadAsync(row) && await load.FinishAsync(row, row.Uploads[0].Version), "audit", "no answer");
        }
        ViolationException.Require(await load.RollBackAsync(ledger.Rows[0]), "audit", "no answer");
    }
}
