using System.Globalization;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Deploys.Bundles;

/// <summary>Lists of deploys and bundles with 0, 1, 20 and 1,000 rows, read with several page sizes.</summary>
[Trait("Runs", "ci")] // Writes thousands of rows through the API.
public sealed class ListSizeTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static readonly int[] Sizes = [0, 1, 20, 1000];

    private UpdraftServer Server => shared.Server;

    [Fact]
    public async Task Deploys_are_counted_and_paged()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var made = new List<string>();
        foreach (var size in Sizes)
        {
            while (made.Count < size)
                made.Insert(0, (await Server.Client.PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "DAG_ONLY" })).Text("id"));
            await CheckAsync(bundles.Deploys, "deploys", made);
            await CheckAsync(bundles.AlphaDeploys, "deploys", made);
        }
    }

    [Fact]
    public async Task Bundles_are_counted_paged_and_limited_to_1000()
    {
        var without = await BundlesApi.NewDeploymentAsync(Server, dagDeploys: false);
        await CheckAsync(without.Bundles, "bundles", []);
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        List<string> made = [(await bundles.MainAsync()).Text("id")];
        foreach (var size in Sizes.Skip(1))
        {
            while (made.Count < size)
                made.Add((await bundles.CreateDagAsync(made.Count.ToString(CultureInfo.InvariantCulture))).Text("id"));
            await CheckAsync(bundles.Bundles, "bundles", made);
        }

        Assert.Contains("at most 1000 bundles", await bundles.CreateErrorAsync("""{"name":"one-more"}"""));
        await bundles.DeleteAsync(made[500]);
        await bundles.CreateDagAsync("one-more");
    }

    private async Task CheckAsync(string url, string field, List<string> ids)
    {
        foreach (var limit in (int?[])[null, 0, 1, 1000])
        {
            foreach (var offset in (int[])[0, 1, ids.Count, ids.Count + 1, int.MaxValue])
            {
                var query = $"?offset={offset}{(limit is null ? "" : $"&limit={limit}")}&unknown=x&sorts=nothing";
                var page = await Server.Client.GetOkAsync(url + query);
                var expected = ids.Skip(offset).Take(limit ?? 20).ToList();
                Assert.Equal(expected, page[field]!.AsArray().Select(row => row!.AsObject().Text("id")));
                Assert.Equal((limit ?? 20, offset, ids.Count), ((int)page["limit"]!, (int)page["offset"]!, (int)page["totalCount"]!));
            }
        }
    }
}
