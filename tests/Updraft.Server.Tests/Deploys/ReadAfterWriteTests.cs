using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;

namespace Updraft.Server.Tests.Deploys;

/// <summary>Cached reads are as consistent as reads of the database.</summary>
public sealed class ReadAfterWriteTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Reads_are_monotonic_and_contain_acknowledged_writes()
    {
        const int Changes = 150;
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var id = (await deploys.DeployDagsAsync()).Text("id");
        var (acknowledged, seen, reads) = (-1, -1, 0);
        await ChangeAsync(0);

        var readers = Enumerable.Range(0, 6).Select(async reader =>
        {
            while (Volatile.Read(ref acknowledged) < Changes)
            {
                // The newest value that any client received before this read began.
                var least = Math.Max(Volatile.Read(ref acknowledged), Volatile.Read(ref seen));
                var deploy = reader % 2 == 0 ? await deploys.GetAsync(id) : (await deploys.ListAsync()).GetProperty("deploys")[0];
                var number = int.Parse(deploy.Text("description"), CultureInfo.InvariantCulture);
                Assert.True(number >= least, $"Read {number} after {least} was acknowledged or read.");
                Raise(ref seen, number);
                Interlocked.Increment(ref reads);
            }
        }).ToList();
        for (var i = 1; i <= Changes; i++)
            await ChangeAsync(i);
        await Task.WhenAll(readers);

        Assert.True(reads > Changes, $"Only {reads} reads ran.");

        async Task ChangeAsync(int number)
        {
            (await deploys.SendAsync(HttpMethod.Post, "/" + id, $$"""{"description":"{{number}}"}""")).Ok();
            Volatile.Write(ref acknowledged, number);
        }
    }

    [Fact]
    public async Task Deleted_Deployment_is_rejected_with_404_after_the_response()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var id = (await deploys.DeployDagsAsync()).Text("id");
        await deploys.GetAsync(id);

        using var response = await server.Server.Client.DeleteAsync(
            $"/v1/organizations/{server.Server.OrganizationId}/deployments/{deploys.DeploymentId}", TestContext.Current.CancellationToken);

        Assert.True(response.IsSuccessStatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await deploys.SendAsync(HttpMethod.Get, "/" + id)).Status);
    }

    [Fact]
    public async Task Cached_upload_URL_is_not_shown_to_a_reader()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var id = (await deploys.CreateAsync(DeployKind.DagOnly)).Text("id");
        var reader = await deploys.AsReaderAsync();

        for (var i = 0; i < 2; i++)
        {
            Assert.True((await deploys.GetAsync(id)).TryGetProperty("dagsUploadUrl", out _));
            Assert.False((await reader.GetAsync(id)).TryGetProperty("dagsUploadUrl", out _));
        }
    }

    [Fact]
    public async Task Cached_page_gives_each_caller_its_own_upload_URLs()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync();
        await deploys.CreateAsync(DeployKind.DagOnly);
        var reader = await deploys.AsReaderAsync();

        for (var i = 0; i < 2; i++)
        {
            Assert.Equal([true, false], await HasUrlAsync(deploys));
            Assert.Equal([false, false], await HasUrlAsync(reader));
        }

        static async Task<IEnumerable<bool>> HasUrlAsync(DeploysApi caller) => (await caller.ListAsync()).GetProperty("deploys")
            .EnumerateArray().Select(deploy => deploy.TryGetProperty("dagsUploadUrl", out _));
    }

    [Fact]
    public async Task Upload_URLs_of_a_cached_page_are_new_for_each_request()
    {
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var own = await UpdraftServer.StartAsync(clock);
        var deploys = await DeploysApi.NewDeploymentAsync(own);
        await deploys.CreateAsync(DeployKind.DagOnly);
        var first = await UrlAsync();

        clock.Advance(TimeSpan.FromSeconds(2));
        var second = await UrlAsync();

        Assert.NotEqual(first, second);
        await deploys.UploadAsync(second, ("dags/a.py", "one"));

        async Task<string> UrlAsync() => (await deploys.ListAsync()).GetProperty("deploys")[0].Text("dagsUploadUrl");
    }

    [Fact]
    public async Task Page_shows_each_change_after_its_response()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await CheckAsync();
        var created = await deploys.CreateAsync(DeployKind.DagOnly);
        await CheckAsync(created);
        var version = await deploys.UploadAsync(created.Text("dagsUploadUrl"), ("dags/a.py", "one"));
        var first = await deploys.FinalizeAsync(created.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");
        await CheckAsync(first);
        first = (await deploys.SendAsync(HttpMethod.Post, "/" + first.Text("id"), """{"description":"new"}""")).Ok();
        await CheckAsync(first);
        var second = await deploys.RollBackAsync(first.Text("id"));
        await CheckAsync(second, first);
        var bundle = await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop");
        await CheckAsync(bundle, second, first);
        await deploys.ReportActiveAsync();
        await CheckAsync(await deploys.GetAsync(bundle.Text("id")), second, first);

        async Task CheckAsync(params JsonElement[] expected)
        {
            // The second read can come from memory.
            for (var i = 0; i < 2; i++)
            {
                var page = await deploys.ListAsync("?limit=3");
                Assert.Equal(expected.Length, page.GetProperty("totalCount").GetInt32());
                Assert.Equal(expected.Select(WithoutSignature), page.GetProperty("deploys").EnumerateArray().Select(WithoutSignature));
            }
        }

        // Each response has a signature of its own time.
        static string WithoutSignature(JsonElement deploy) => string.Join('\n', deploy.EnumerateObject()
            .Where(member => !member.Name.EndsWith("UploadUrl", StringComparison.Ordinal)).Select(member => member.ToString()));
    }

    [Fact]
    public async Task Current_version_is_visible_right_after_the_report()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var id = (await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop")).Text("id");
        var before = (await deploys.GetAsync(id)).GetProperty("bundles")[0];
        Assert.False(before.TryGetProperty("currentVersion", out _));

        await deploys.ReportActiveAsync();

        var after = (await deploys.GetAsync(id)).GetProperty("bundles")[0];
        Assert.Equal(after.Text("desiredVersion"), after.Text("currentVersion"));
    }

    private static void Raise(ref int max, int value)
    {
        for (var now = Volatile.Read(ref max); now < value;)
        {
            var was = Interlocked.CompareExchange(ref max, value, now);
            if (was == now)
                return;
            now = was;
        }
    }
}
