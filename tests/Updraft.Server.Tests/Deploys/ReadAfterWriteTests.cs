using System.Globalization;
using System.Net;

namespace Updraft.Server.Tests.Deploys;

/// <summary>Reads are answered from memory where that is right; nobody can tell.</summary>
[Trait("Database", "every")]
public sealed class ReadAfterWriteTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task What_was_acknowledged_is_in_every_later_answer_and_nothing_goes_back()
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
                // What anybody has got before this read began.
                var least = Math.Max(Volatile.Read(ref acknowledged), Volatile.Read(ref seen));
                var number = int.Parse((await deploys.GetAsync(id)).Text("description"), CultureInfo.InvariantCulture);
                Assert.True(number >= least, $"Read {number} after {least}.");
                Raise(ref seen, number);
                Interlocked.Increment(ref reads);
            }
        }).ToList();
        for (var i = 1; i <= Changes; i++)
            await ChangeAsync(i);
        await Task.WhenAll(readers);

        Assert.True(reads > Changes, $"Only {reads} reads.");

        async Task ChangeAsync(int number)
        {
            (await deploys.SendAsync(HttpMethod.Post, "/" + id, $$"""{"description":"{{number}}"}""")).Ok();
            Volatile.Write(ref acknowledged, number);
        }
    }

    [Fact]
    public async Task A_deleted_Deployment_is_gone_with_the_answer()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var id = (await deploys.DeployDagsAsync()).Text("id");
        await deploys.GetAsync(id);

        using var answer = await server.Server.Client.DeleteAsync(
            $"/v1/organizations/{server.Server.OrganizationId}/deployments/{deploys.DeploymentId}", TestContext.Current.CancellationToken);

        Assert.True(answer.IsSuccessStatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await deploys.SendAsync(HttpMethod.Get, "/" + id)).Status);
    }

    [Fact]
    public async Task An_upload_address_that_one_has_seen_is_not_shown_to_another_who_may_only_read()
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
    public async Task What_a_bundle_runs_is_seen_as_soon_as_an_agent_says_so()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var id = (await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop")).Text("id");
        var before = (await deploys.GetAsync(id)).GetProperty("bundles")[0];
        Assert.False(before.TryGetProperty("currentVersion", out _));

        await deploys.ReportActiveAsync();

        var after = (await deploys.GetAsync(id)).GetProperty("bundles")[0];
        Assert.Equal(after.Text("desiredVersion"), after.Text("currentVersion"));
    }

    private static void Raise(ref int place, int value)
    {
        for (var now = Volatile.Read(ref place); now < value;)
        {
            var was = Interlocked.CompareExchange(ref place, value, now);
            if (was == now)
                return;
            now = was;
        }
    }
}
