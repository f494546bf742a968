using System.Text.Json;

namespace Updraft.Server.Tests.Deploys;

public sealed class UpdateDeployTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Theory]
    [InlineData("""{"description":"new"}""", "new")]
    [InlineData("""{"description":""}""", "")]
    [InlineData("""{"description":null}""", "old")]
    [InlineData("{}", "old")]
    public async Task Description_changes_if_the_request_has_one(string body, string expected)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync("""{"type":"DAG_ONLY","description":"old"}""");

        var changed = (await deploys.SendAsync(HttpMethod.Post, "/" + deploy.Text("id"), body)).Ok();

        Assert.Equal(expected, changed.Text("description"));
        Assert.Equal(expected, (await deploys.GetAsync(deploy.Text("id"))).Text("description"));
    }

    [Fact]
    public async Task Update_changes_no_other_field()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.DeployDagsAsync();

        var changed = (await deploys.SendAsync(HttpMethod.Post, "/" + deploy.Text("id"), """
            {"description":"new","status":"FAILED","type":"BUNDLE","imageTag":"mine","dagTarballVersion":"mine",
             "git":{"provider":"GENERIC"},"rollbackFromId":"mine","createdAt":"2000-01-01T00:00:00Z","deploymentId":"mine"}
            """)).Ok();

        string[] changes = ["description", "updatedAt", "updatedBySubject"];
        Assert.Equal(Without(deploy, changes), Without(changed, changes));
        Assert.Equal("new", changed.Text("description"));
    }

    [Theory]
    [InlineData(500, true)]
    [InlineData(501, false)]
    public async Task Description_limit_counts_code_points(int emoji, bool isAccepted)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);

        var response = await deploys.SendAsync(HttpMethod.Post, "/" + deploy.Text("id"),
            $$"""{"description":"{{string.Concat(Enumerable.Repeat("🚀", emoji))}}"}""");

        Assert.Equal(isAccepted ? 200 : 400, (int)response.Status);
    }

    [Fact]
    public async Task Changed_description_updates_the_time()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.DeployDagsAsync();

        var changed = (await deploys.SendAsync(HttpMethod.Post, "/" + deploy.Text("id"), """{"description":"new"}""")).Ok();

        Assert.True(changed.GetProperty("updatedAt").GetDateTimeOffset() > deploy.GetProperty("updatedAt").GetDateTimeOffset());
    }

    private static Dictionary<string, string> Without(JsonElement deploy, string[] names) => deploy.EnumerateObject()
        .Where(field => !names.Contains(field.Name)).ToDictionary(field => field.Name, field => field.Value.GetRawText());
}
