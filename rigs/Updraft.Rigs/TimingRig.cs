using System.Diagnostics;

namespace Updraft.Rigs;

/// <summary>
/// S4: measures whether the time of a 404 reveals that an id exists outside the scope of the caller. A token of one Deployment requests
/// another Deployment and random ids in turn, and the rig compares the medians. This is a measurement for an idle machine, not a test.
/// </summary>
internal sealed class TimingRig(RigOptions options, TextWriter output)
{
    private const int Warm = 500;

    public async Task<int> RunAsync()
    {
        var samples = options.Number("samples", 10_000);
        using var site = new Site(options);
        await site.StartServerAsync();
        await site.AddDeploymentAsync();
        await site.AddDeploymentAsync();
        var (own, foreign) = (site.Ledgers[0], site.Ledgers[1]);
        var organization = own.Path[..own.Path.LastIndexOf("/deployments/", StringComparison.Ordinal)];
        var token = Api.Must(await site.Api.PostAsync(organization + "/tokens",
            new System.Text.Json.Nodes.JsonObject
            {
                ["name"] = "timing",
                ["scope"] = "DEPLOYMENT",
                ["role"] = "DEPLOYMENT_ADMIN",
                ["entityId"] = own.Id,
            }), "token")["token"]!.GetValue<string>();
        using var api = site.ApiWith(token);
        var deploy = (await new Load(site.Api, foreign, new Random(options.Seed), Moment.Never).CreateAsync("dags"))!.Id;
        var random = new Random(options.Seed);
        foreach (var (what, path, id) in new[]
        {
            ("Deployment", own.Path.Replace(own.Id, "{0}", StringComparison.Ordinal), foreign.Id),
            ("deploy", own.Path + "/deploys/{0}", deploy),
        })
        {
            var times = (Existing: new List<double>(), Random: new List<double>());
            for (var i = 0; i < Warm + samples; i++)
            {
                // The order is random, so that no rhythm of the machine favors one kind of id.
                foreach (var exists in random.Next(2) == 0 ? (bool[])[true, false] : [false, true])
                {
                    var wanted = exists ? id : RandomId(random, id);
                    var started = Stopwatch.GetTimestamp();
                    var response = await api.GetAsync(path.Replace("{0}", wanted, StringComparison.Ordinal));
                    var took = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
                    ViolationException.Require(response.Status == 404, "S4", $"{what} {wanted} returns {response.Status}");
                    if (i >= Warm)
                        (exists ? times.Existing : times.Random).Add(took);
                }
            }
            var (a, b) = (Median(times.Existing), Median(times.Random));
            output.WriteLine($"{what}: samples={samples} existing={a:0.0}us random={b:0.0}us "
                + $"difference={Math.Abs(a - b) / Math.Max(a, b):0.0%}");
        }
        return 0;
    }

    /// <summary>A random id with the first letter and the length of another id.</summary>
    private static string RandomId(Random random, string like) =>
        like[..1] + string.Concat(
            Enumerable.Range(1, like.Length - 1).Select(_ => "0123456789abcdefghijklmnopqrstuvwxyz"[random.Next(36)]));

    private static double Median(List<double> times)
    {
        times.Sort();
        return times[times.Count / 2];
    }
}
