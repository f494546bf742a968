using System.Diagnostics;
using System.Globalization;

namespace Updraft.Bench;

/// <summary>P8: what a second server on the same PostgreSQL adds. Each server has one core, as if it were a machine of its own.</summary>
internal sealed class Replicas(BenchOptions options, IReadOnlyList<Site> sites, IReadOnlyList<string> deployments, string archive)
{
    private const int Deployments = 32, Connections = 32;

    public static async Task RunAsync(BenchOptions options, Table table)
    {
        if (options.Postgres is null)
        {
            table.Note("P8 needs packaging/postgres, which is not here.");
            return;
        }
        var folder = options.NewFolder("p8-db");
        var connection = (await ChildProcess.RunAsync([options.Postgres, folder])).Trim();
        try
        {
            // For tests it does not sync its files; here it must.
            await File.AppendAllTextAsync(Path.Join(folder, "data/postgresql.conf"), "fsync = on\nfull_page_writes = on\n");
            await ChildProcess.RunAsync([options.Postgres, folder, "restart"]);
            await MeasureAsync(options, table, connection);
        }
        finally
        {
            await ChildProcess.RunAsync([options.Postgres, folder, "stop"]);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task MeasureAsync(BenchOptions options, Table table, string connection)
    {
        string[] settings = [$"--Database:ConnectionString={connection}", $"--Keys={options.NewFolder("p8-keys")}"];
        using var first = await Site.StartReplicaAsync(options, "p8-0", 0, null, settings);
        using var second = await Site.StartReplicaAsync(options, "p8-1", 1, first, settings);
        var deployments = new List<string>();
        for (var i = 0; i < Deployments; i++)
            deployments.Add(await first.CreateDeploymentAsync(string.Create(CultureInfo.InvariantCulture, $"replicas-{i}")));
        var archive = await Deploying.SmallArchiveAsync(first);
        var replicas = new Replicas(options, [first, second], deployments, archive);

        // Warm, both of them, then in turns.
        for (var round = 0; round < 3; round++)
        {
            await replicas.FinalizeAsync(2);
            await replicas.ReadAsync(2);
        }
        var (finalizes, reads) = (new[] { new List<double>(), [] }, new[] { new List<double>(), [] });
        for (var round = 0; round < 3; round++)
        {
            for (var servers = 1; servers <= 2; servers++)
            {
                finalizes[servers - 1].Add(await replicas.FinalizeAsync(servers));
                reads[servers - 1].Add(await replicas.ReadAsync(servers));
            }
        }
        table.Ratio("P8", "finalizes by two servers, 32 Deployments: by one", Figures.Median(finalizes[1]), Figures.Median(finalizes[0]), Figures.Rate,
            Goal.AtLeast(1.5));
        table.Ratio("P8", "reads of one deploy by two servers: by one", Figures.Median(reads[1]), Figures.Median(reads[0]), Figures.Rate, Goal.AtLeast(1.5));
    }

    /// <summary>Finalizes per second. Deploys of one Deployment come one after another, those of others beside them.</summary>
    private async Task<double> FinalizeAsync(int servers)
    {
        var prepared = await Task.WhenAll(deployments.Select(async (deployment, number) =>
        {
            var site = sites[number % servers];
            var deploys = new List<(string Deploy, string Version)>();
            for (var i = 0; i < options.Samples(20); i++)
                deploys.Add(await site.PrepareDeployAsync(archive, deployment));
            return (Site: site, Deployment: deployment, Deploys: deploys);
        }));
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(prepared.Select(async work =>
        {
            foreach (var deploy in work.Deploys)
                await work.Site.FinalizeAsync(deploy, work.Deployment);
        }));
        return prepared.Sum(work => work.Deploys.Count) / clock.Elapsed.TotalSeconds;
    }

    private async Task<double> ReadAsync(int servers)
    {
        var site = sites[0];
        var deploy = await site.CreateDeployAsync(deployments[0]);
        var path = $"/v1/organizations/{site.Organization}/deployments/{deployments[0]}/deploys/{deploy.Id}";
        var rates = await Task.WhenAll(sites.Take(servers).Select(server => Wrk.RunAsync(new Uri(server.Address, path), Connections / servers,
            options.Samples(5), "Authorization: Bearer " + server.OwnerToken)));
        return rates.Sum();
    }
}
