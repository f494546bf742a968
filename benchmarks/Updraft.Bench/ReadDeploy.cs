namespace Updraft.Bench;

/// <summary>P1: reads of one deploy, with a token, beside a registry's manifest, with a token, and a file of the same bytes.</summary>
internal static class ReadDeploy
{
    private const int Connections = 16;

    public static async Task RunAsync(BenchOptions options, Table table)
    {
        var port = LoopbackPort.Lease();
        using var site = await Site.StartAsync(options, "p1", $"--Registry=127.0.0.1:{port}");
        await Deploying.SmallAsync(site);
        var middle = await History.GrowAsync(site, site.Deployment, 10_000);
        var deploy = new Uri(site.Address, $"{site.DeploysPath}/{middle}");
        var body = await site.Http.GetByteArrayAsync(deploy);

        using var registry = await ImageRegistry.StartAsync(options, site, port);
        await registry.PushImageAsync("bench", body.Length);
        var files = options.NewFolder("p1-files");
        await File.WriteAllBytesAsync(Path.Join(files, "deploy.json"), body);
        using var nginx = await Nginx.StartAsync(options, files);
        var manifestToken = await registry.TokenAsync("pull");

        Func<int, Task<double>>[] programs =
        [
            seconds => Wrk.RunAsync(deploy, Connections, seconds, "Authorization: Bearer " + site.OwnerToken),
            seconds => Wrk.RunAsync(registry.Manifest("bench"), Connections, seconds, "Authorization: Bearer " + manifestToken, "Accept: " + ImageRegistry.ManifestType),
            seconds => Wrk.RunAsync(new Uri(nginx.Address, "/deploy.json"), Connections, seconds),
        ];
        // Warm first: the server compiles what is used most while it runs. Then in turns, so that all see the same machine.
        await programs[0](options.Samples(10));
        var rates = programs.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < programs.Length; i++)
                rates[i].Add(await programs[i](options.Samples(5)));
        }
        var medians = rates.Select(Figures.Median).ToArray();
        table.Ratio("P1", "read one deploy of 10,000: Distribution, manifest", medians[0], medians[1], Figures.Rate, Goal.AtLeast(2));
        table.Ratio("P1", "read one deploy of 10,000: nginx, the same bytes", medians[0], medians[2], Figures.Rate, Goal.AtLeast(0.4));
    }
}
