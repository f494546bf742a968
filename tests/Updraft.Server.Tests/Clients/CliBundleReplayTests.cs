using System.Globalization;
using System.Text.Json.Nodes;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Clients;

/// <summary><c>astro deployment bundle</c>: create, list, update, delete, with a bundle chosen by id, name or mount path.</summary>
public sealed class CliBundleReplayTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Shop = "/usr/local/airflow/dbt/shop";

    private UpdraftServer Server => shared.Server;

    [Fact]
    public async Task Bundle_create_list_update_and_delete()
    {
        using var cli = new CliReplay(Server);
        await cli.SetUpAsync();
        var id = await Server.CreateDeploymentAsync(EntityId.New(TimeProvider.System));
        var path = cli.DeploymentPath(id, "v1alpha1") + "/bundles";

        await cli.GetDeploymentAsync(id);
        var finance = (await cli.PostAsync(path, new JsonObject { ["isDagBundle"] = true, ["name"] = "finance", ["type"] = "DEPLOY" })).Body;
        Show("create --name finance", cli, $"Created bundle {finance.Text("id")} on deployment {id}");
        await cli.GetDeploymentAsync(id);
        var shop = (await cli.PostAsync(path, new JsonObject
        {
            ["dagBundleIds"] = new JsonArray(finance.Text("id")),
            ["description"] = "the shop",
            ["isDagBundle"] = false,
            ["nonDagBundleType"] = "dbt",
            ["nonDagMountPath"] = Shop,
            ["type"] = "DEPLOY",
        })).Body;
        Show("create --mount-path " + Shop, cli, $"Created bundle {shop.Text("id")} on deployment {id}");

        await cli.GetDeploymentAsync(id);
        var list = await ListAsync(cli, path);
        Assert.Equal(["main", "finance", null], list.Select(bundle => bundle.OptionalText("name")));
        foreach (var bundle in list)
            Read(bundle);
        Assert.Equal(["true", "true", "false"], list.Select(bundle => bundle.Flag("isDagBundle") ? "true" : "false"));
        Show("list", cli, $"{list.Count} bundles");

        var chosen = (await ListAsync(cli, path)).Single(bundle => bundle.OptionalText("nonDagMountPath") == Shop).Text("id");
        var main = list[0].Text("id");
        var updated = (await cli.PostAsync($"{path}/{chosen}", new JsonObject { ["dagBundleIds"] = new JsonArray(main), ["description"] = "new" })).Body;
        Assert.Equal([main], updated.Texts("dagBundleIds"));
        Show("update --mount-path " + Shop, cli, $"Updated bundle {chosen} on deployment {id}");

        foreach (var selector in (string[])["finance", Shop])
        {
            var doomed = (await ListAsync(cli, path)).Single(bundle => bundle.OptionalText("name") == selector || bundle.OptionalText("nonDagMountPath") == selector);
            Assert.True((await cli.DeleteAsync($"{path}/{doomed.Text("id")}")).IsSuccess);
            Assert.True((await cli.DeleteAsync($"{path}/{doomed.Text("id")}")).IsSuccess);
            Show($"delete {selector} --force", cli, $"Deleted bundle {doomed.Text("id")} from deployment {id}");
        }
        Assert.Equal("main", Assert.Single(await ListAsync(cli, path)).Text("name"));
    }

    [Fact]
    public async Task Bundle_create_that_is_refused_shows_why()
    {
        using var cli = new CliReplay(Server);
        await cli.SetUpAsync();
        var id = await Server.CreateDeploymentAsync(EntityId.New(TimeProvider.System));

        var refused = await cli.PostAsync(cli.DeploymentPath(id, "v1alpha1") + "/bundles",
            new JsonObject { ["isDagBundle"] = true, ["name"] = "Finance", ["type"] = "DEPLOY" });

        Assert.Contains("'name' must be", refused.Error);
        Show("create --name Finance", cli, refused.Error);
    }

    [Fact]
    public async Task Bundle_list_pages_through_what_does_not_fit_one_page()
    {
        using var cli = new CliReplay(Server);
        var id = await Server.CreateDeploymentAsync(EntityId.New(TimeProvider.System));
        var path = cli.DeploymentPath(id, "v1alpha1") + "/bundles";
        for (var i = 0; i < 4; i++)
            Assert.True((await cli.PostAsync(path, new JsonObject { ["isDagBundle"] = true, ["name"] = $"b{i}", ["type"] = "DEPLOY" })).IsSuccess);

        Assert.Equal(["main", "b0", "b1", "b2", "b3"], (await ListAsync(cli, path, limit: 2)).Select(bundle => bundle.Text("name")));
    }

    /// <summary>The CLI's loop: the next page begins where the received ones end.</summary>
    private static async Task<IReadOnlyList<CliObject>> ListAsync(CliReplay cli, string path, int limit = 1000)
    {
        var bundles = new List<CliObject>();
        while (true)
        {
            var page = (await cli.GetAsync(path, ("limit", limit.ToString(CultureInfo.InvariantCulture)),
                ("offset", bundles.Count.ToString(CultureInfo.InvariantCulture)))).Body;
            var received = page.Objects("bundles");
            bundles.AddRange(received);
            if (received.Count == 0 || bundles.Count >= page.Number("totalCount"))
                return bundles;
        }
    }

    private static void Read(CliObject bundle)
    {
        Assert.True(EntityId.IsValid(bundle.Text("id")));
        Assert.Equal("DEPLOY", bundle.Text("type"));
        bundle.Flag("isDagBundle");
        bundle.Flag("deletionIsPending");
        bundle.Time("createdAt");
        bundle.Time("updatedAt");
        bundle.OptionalText("currentVersion");
        bundle.OptionalText("desiredVersion");
        bundle.OptionalText("nonDagBundleType");
    }

    private static void Show(string command, CliReplay cli, string result) => TestContext.Current.TestOutputHelper!.WriteLine(
        string.Create(CultureInfo.InvariantCulture, $"| astro deployment bundle {command,-46} | {cli.Sent.Count,2} requests | {result} |"));
}
