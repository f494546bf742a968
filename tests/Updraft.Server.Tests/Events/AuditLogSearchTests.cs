using System.Text.Json.Nodes;
using Updraft.Server.Tests.Web;

namespace Updraft.Server.Tests.Events;

public sealed class AuditLogSearchTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Theory]
    [InlineData("actor=owner", 3)]
    [InlineData("actor=OWN", 3)]
    [InlineData("text=0123ABCD", 2)]
    [InlineData("text=release", 2)]
    // Keys of the JSON in which actor and details are stored.
    [InlineData("actor=name", 0)]
    [InlineData("actor=id", 0)]
    [InlineData("actor=kind", 0)]
    [InlineData("actor=null", 0)]
    [InlineData("text=commit", 0)]
    [InlineData("text=branch", 0)]
    [InlineData("text=path", 0)]
    [InlineData("text=description", 0)]
    [InlineData("text=null", 0)]
    public async Task Search_matches_values_only(string query, int count)
    {
        var site = await PageSite.CreateAsync(server.Server);
        var git = new JsonObject
        {
            ["provider"] = "GITHUB",
            ["account"] = "shop",
            ["repo"] = "airflow",
            ["commitSha"] = "0123abcd",
            ["branch"] = "release",
        };
        await site.DeployAsync("Totals", git, ("dags/shop.py", "one\n"));

        Assert.Equal(count, (await server.Server.ReadLogAsync($"deploymentId={site.Id}&{query}")).Count);
    }
}
