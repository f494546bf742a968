using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.Deploys;

namespace Updraft.Server.Tests.Deploys;

/// <summary>The filters of the deploy history, as the web UI uses them.</summary>
public sealed class DeployHistoryTests(SharedServer server) : IClassFixture<SharedServer>
{
    private const string Deploy = """
        {"type":"DAG_ONLY","description":"Totals by region",
         "git":{"provider":"GITHUB","account":"shop","repo":"airflow","commitSha":"0123abcd","branch":"release","path":"dags/orders",
         "authorName":"Ann Ellis"}}
        """;

    [Theory]
    [InlineData("owner", 1)]
    [InlineData("OWN", 1)]
    [InlineData("own_r", 0)]
    [InlineData("%", 0)]
    // Keys and values of the JSON in which the creator is stored.
    [InlineData("name", 0)]
    [InlineData("id", 0)]
    [InlineData("kind", 0)]
    [InlineData("fullName", 0)]
    [InlineData("null", 0)]
    public async Task Creator_filter_matches_names_only(string person, int count)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.CreateAsync(Deploy);

        Assert.Equal(count, await CountAsync(deploys, new DeployFilter(null, null, person, null)));
    }

    [Fact]
    public async Task Creator_filter_matches_the_whole_id()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var id = (await deploys.CreateAsync(Deploy)).GetProperty("createdBySubject").Text("id");

        Assert.Equal(1, await CountAsync(deploys, new DeployFilter(null, null, id, null)));
        Assert.Equal(0, await CountAsync(deploys, new DeployFilter(null, null, id[..^1], null)));
    }

    [Theory]
    [InlineData("0123ABCD", 1)]
    [InlineData("release", 1)]
    [InlineData("dags/orders", 1)]
    [InlineData("airflow", 1)]
    [InlineData("ann ellis", 1)]
    [InlineData("by region", 1)]
    [InlineData("0%d", 0)]
    // Keys of the JSON in which the git block is stored.
    [InlineData("commit", 0)]
    [InlineData("path", 0)]
    [InlineData("branch", 0)]
    [InlineData("provider", 0)]
    [InlineData("null", 0)]
    public async Task Text_filter_matches_values_of_the_git_block_only(string text, int count)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.CreateAsync(Deploy);
        await deploys.CreateAsync("""{"type":"DAG_ONLY"}""");

        Assert.Equal(count, await CountAsync(deploys, new DeployFilter(null, null, null, text)));
    }

    private async Task<int> CountAsync(DeploysApi deploys, DeployFilter filter)
    {
        await using var scope = server.Server.Services.CreateAsyncScope();
        var page = await scope.ServiceProvider.GetRequiredService<DeployHistory>()
            .ReadAsync(new DeploymentId(deploys.DeploymentId), filter, null, 10, TestContext.Current.CancellationToken);
        return page.Deploys.Count;
    }
}
