using System.Diagnostics;

namespace Updraft.Bench;

/// <summary>P6: pages of a long history, compared with pages of a short one.</summary>
internal static class Lists
{
    private const int Short = 1000, Long = 1_000_000;

    public static async Task RunAsync(BenchOptions options, Table table)
    {
        using var site = await Site.StartAsync(options, "p6");
        await Deploying.SmallAsync(site);
        await History.GrowAsync(site, site.Deployment, Short);
        using var other = await Site.StartAsync(options, "p6-long");
        await Deploying.SmallAsync(other);
        await History.GrowAsync(other, other.Deployment, Long);

        // Both servers must compile their most used code first. Otherwise the server that was started last would be slower.
        for (var round = 0; round < 6; round++)
        {
            foreach (var (server, count) in new[] { (site, Short), (other, Long) })
                await TimeAsync(server, count, 0.5, options.Samples(1000));
        }
        foreach (var (where, share) in new[] { ("the start", 0.0), ("the middle", 0.5), ("the end", 1.0) })
        {
            var (here, there) = (new List<double>(), new List<double>());
            for (var round = 0; round < options.Samples(10); round++)
            {
                here.AddRange(await TimeAsync(site, Short, share, 50));
                there.AddRange(await TimeAsync(other, Long, share, 50));
            }
            table.Ratio("P6", $"list at {where} of 1,000,000 deploys: of 1,000",
                Figures.Median(there), Figures.Median(here), Figures.Milliseconds,
                Goal.AtMost(1.5));
        }
    }

    private static async Task<IEnumerable<double>> TimeAsync(Site site, int count, double share, int requests)
    {
        var url = new Uri(site.Address, $"{site.DeploysPath}?limit=20&offset={(int)(share * (count - 20))}");
        var samples = new List<double>();
        for (var i = 0; i < requests; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await site.Http.GetByteArrayAsync(url);
            samples.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        return samples;
    }
}
