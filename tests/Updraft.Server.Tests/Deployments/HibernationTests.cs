using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace Updraft.Server.Tests.Deployments;

public sealed class HibernationTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Development_Deployment_hibernates_until_the_override_changes()
    {
        await using var server = await UpdraftServer.StartAsync();
        var path = await CreateAsync(server);
        Assert.Equal("HEALTHY", (await server.Client.GetOkAsync(path)).Text("status"));

        var decision = await server.Client.PostOkAsync($"{path}/hibernation-override",
            JsonNode.Parse("""{"isHibernating":true,"overrideUntil":null}""")!);
        Assert.Equal((true, true), (decision["isActive"]!.GetValue<bool>(), decision["isHibernating"]!.GetValue<bool>()));
        Assert.False(decision.ContainsKey("overrideUntil"));
        var asleep = await server.Client.GetOkAsync(path);
        Assert.Equal("HIBERNATING", asleep.Text("status"));
        Assert.True(asleep["scalingStatus"]!["hibernationStatus"]!["isHibernating"]!.GetValue<bool>());
        Assert.True(JsonNode.DeepEquals(decision, asleep["scalingSpec"]!["hibernationSpec"]!["override"]));

        await server.Client.PostOkAsync($"{path}/hibernation-override", JsonNode.Parse("""{"isHibernating":false}""")!);
        Assert.Equal("HEALTHY", (await server.Client.GetOkAsync(path)).Text("status"));
        await server.Client.PostOkAsync($"{path}/hibernation-override", JsonNode.Parse("""{"isHibernating":true}""")!);
        for (var i = 0; i < 2; i++)
        {
            using var removal = await server.Client.DeleteAsync($"{path}/hibernation-override", Cancelled);
            Assert.Equal(HttpStatusCode.NoContent, removal.StatusCode);
        }
        var awake = await server.Client.GetOkAsync(path);
        Assert.Equal("HEALTHY", awake.Text("status"));
        Assert.False(awake.ContainsKey("scalingSpec"));
    }

    [Fact]
    public async Task Null_ends_the_override()
    {
        await using var server = await UpdraftServer.StartAsync();
        var path = await CreateAsync(server);
        await server.Client.PostOkAsync($"{path}/hibernation-override", JsonNode.Parse("""{"isHibernating":true}""")!);

        var ended = await server.Client.PostOkAsync($"{path}/hibernation-override",
            JsonNode.Parse("""{"isHibernating":null,"overrideUntil":null}""")!);

        Assert.False(ended["isActive"]!.GetValue<bool>());
        var awake = await server.Client.GetOkAsync(path);
        Assert.Equal("HEALTHY", awake.Text("status"));
        Assert.False(awake.ContainsKey("scalingSpec"));
    }

    [Fact]
    public async Task Override_ends_at_its_time()
    {
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await UpdraftServer.StartAsync(clock);
        var path = await CreateAsync(server);
        var until = clock.GetUtcNow().AddHours(1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        var decision = await server.Client.PostOkAsync($"{path}/hibernation-override",
            new JsonObject { ["isHibernating"] = true, ["overrideUntil"] = until });
        Assert.Equal(until, decision.Text("overrideUntil"));
        Assert.Equal("HIBERNATING", (await server.Client.GetOkAsync(path)).Text("status"));
        clock.Advance(TimeSpan.FromHours(1));
        var after = await server.Client.GetOkAsync(path);
        Assert.Equal("HEALTHY", after.Text("status"));
        Assert.False(after["scalingSpec"]!["hibernationSpec"]!["override"]!["isActive"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Only_a_development_Deployment_accepts_a_valid_override()
    {
        await using var server = await UpdraftServer.StartAsync();
        var production = $"{server.OrganizationPath}/deployments/{await server.CreateDeploymentAsync()}/hibernation-override";
        Assert.Contains("development mode",
            await server.Client.PostErrorAsync(production, """{"isHibernating":true}""", HttpStatusCode.BadRequest),
            StringComparison.Ordinal);
        using var removal = await server.Client.DeleteAsync(production, Cancelled);
        await removal.ReadAsync(HttpStatusCode.BadRequest);
        var path = await CreateAsync(server);
        foreach (var body in (string[])["{}", """{"overrideUntil":null}""", """{"isHibernating":"yes"}""",
            """{"isHibernating":true,"overrideUntil":"2001-01-01T00:00:00Z"}""", """{"isHibernating":true,"overrideUntil":"soon"}"""])
            await server.Client.PostErrorAsync($"{path}/hibernation-override", body, HttpStatusCode.BadRequest);
        Assert.False((await server.Client.GetOkAsync(path)).ContainsKey("scalingSpec"));
    }

    private static async Task<string> CreateAsync(UpdraftServer server)
    {
        var created = await server.Client.PostOkAsync($"{server.OrganizationPath}/deployments",
            new JsonObject { ["name"] = "sleeper", ["workspaceId"] = server.WorkspaceId, ["isDevelopmentMode"] = true });
        return $"{server.OrganizationPath}/deployments/{created.Text("id")}";
    }
}
