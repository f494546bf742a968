using System.Globalization;
using System.Net;

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

        var readers = Enumerable.Range(0, 6).Select(async _ =>
        {
            while (Volatile.Read(ref acknowledged) < Changes)
            {
                // The newest value that any client received before this read began.
                var least = Math.Max(Volatile.Read(ref acknowledged), Volatile.Read(ref seen));
                var number = int.Parse((await deploys.GetAsync(id)).Text("description"), CultureInfo.InvariantCulture);
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
