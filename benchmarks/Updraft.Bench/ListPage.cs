using System.Diagnostics;
using System.Globalization;
using Updraft.Protocol.Api;

namespace Updraft.Bench;

/// <summary>
/// P10: a page of 20 deploys, compared with one deploy of the same history: without writes, and right after each write. One deploy of the
/// page still accepts its upload, as after an interrupted CI job.
/// </summary>
internal static class ListPage
{
    private const int Connections = 16;

    public static async Task RunAsync(BenchOptions options, Table table)
    {
        using var site = await Site.StartAsync(options, "p10");
        await Deploying.SmallAsync(site);
        var middle = await History.GrowAsync(site, site.Deployment, 10_000);
        await site.CreateDeployAsync(site.Deployment);
        var deploy = new Uri(site.Address, $"{site.DeploysPath}/{middle}");
        var page = new Uri(site.Address, $"{site.DeploysPath}?limit=20");
        var rows = (await site.Http.GetStringAsync(page)).Split("\"deploymentId\"").Length - 1;
        if (rows != 20)
            throw new BenchException($"The page has {rows} deploys instead of 20.");

        var (one, list) = (new List<double>(), new List<double>());
        // The server compiles its most used code while it runs, so the first round does not count.
        for (var round = 0; round < 4; round++)
        {
            foreach (var (url, rates) in new[] { (deploy, one), (page, list) })
            {
                var rate = await Wrk.RunAsync(
                    url, Connections, options.Samples(round == 0 ? 10 : 5), "Authorization: Bearer " + site.OwnerToken);
                if (round > 0)
                    rates.Add(1000 / rate);
            }
        }
        table.Ratio("P10", "server time of 20 deploys, no writes: of one deploy",
            Figures.Median(list), Figures.Median(one), Microseconds, Goal.AtMost(4));

        (one, list) = ([], []);
        var warmUp = options.Samples(500);
        for (var round = 0; round < warmUp + options.Samples(1000); round++)
        {
            foreach (var (url, times) in new[] { (deploy, one), (page, list) })
            {
                var time = await TimeAfterWriteAsync(site, middle, round, url);
                if (round >= warmUp)
                    times.Add(time);
            }
        }
        table.Ratio("P10", "20 deploys, right after each write: one deploy",
            Figures.Median(list), Figures.Median(one), Figures.Milliseconds, Goal.AtMost(4));
    }

    /// <summary>Changes the description of a deploy, then reads.</summary>
    private static async Task<double> TimeAfterWriteAsync(Site site, string deploy, int round, Uri url)
    {
        var change = new UpdateDeployRequest { Description = round.ToString(CultureInfo.InvariantCulture) };
        await site.Client.Deploys(site.Organization, site.Deployment).UpdateAsync(deploy, change);
        var start = Stopwatch.GetTimestamp();
        await site.Http.GetByteArrayAsync(url);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static string Microseconds(double milliseconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{1000 * milliseconds:#,0} µs");
}
