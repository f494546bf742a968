using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Workspaces;

public sealed class WorkspaceTests
{
    [Fact]
    public async Task Workspace_name_is_unique_in_the_Organization()
    {
        await using var server = await UpdraftServer.StartAsync();
        await server.CreateWorkspaceAsync("finance");
        var message = await server.Client.PostErrorAsync($"{server.OrganizationPath}/workspaces", "{\"name\":\"finance\"}",
            HttpStatusCode.BadRequest);
        Assert.Contains("'finance'", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_is_sorted_and_paged_and_counts_all_matches()
    {
        await using var server = await UpdraftServer.StartAsync();
        foreach (var name in (string[])["b", "c", "a"])
            await server.CreateWorkspaceAsync(name);
        var page = await server.Client.GetOkAsync($"{server.OrganizationPath}/workspaces?sorts=name%3Aasc&limit=2&offset=1&unknown=x");
        Assert.Equal("a b", string.Join(' ', page["workspaces"]!.AsArray().Select(row => row!["name"]!.GetValue<string>())));
        Assert.Equal((4, 2, 1), (page["totalCount"]!.GetValue<int>(), page["limit"]!.GetValue<int>(), page["offset"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Workspace_token_lists_only_its_own_Workspace()
    {
        await using var server = await UpdraftServer.StartAsync();
        await server.CreateWorkspaceAsync("secret plans");
        var client = server.ClientWith(await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", server.WorkspaceId));
        var list = await client.GetOkAsync($"{server.OrganizationPath}/workspaces");
        Assert.Equal(1, list["totalCount"]!.GetValue<int>());
        Assert.DoesNotContain("secret plans", list.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task New_Deployments_get_the_CICD_default_of_the_Workspace()
    {
        await using var server = await UpdraftServer.StartAsync();
        var workspace = await server.Client.PostOkAsync($"{server.OrganizationPath}/workspaces",
            new JsonObject { ["name"] = "ci only", ["cicdEnforcedDefault"] = true });
        var deployment = await server.Client.PostOkAsync($"{server.OrganizationPath}/deployments",
            new JsonObject { ["name"] = "a", ["workspaceId"] = workspace.Text("id") });
        Assert.True(deployment["isCicdEnforced"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Update_replaces_the_settings_and_existing_Deployments_keep_theirs()
    {
        await using var server = await UpdraftServer.StartAsync();
        var id = await server.CreateDeploymentAsync();
        var path = $"{server.OrganizationPath}/workspaces/{server.WorkspaceId}";
        var body = JsonNode.Parse("""
            {"name":"renamed","description":"","cicdEnforcedDefault":true,"defaultCloudProvider":"GCP","defaultRegion":"cellar",
             "defaultClusterId":"cabc00000000000000000test"}
            """)!.AsObject();
        var updated = await server.Client.PostOkAsync(path, body);
        var read = await server.Client.GetOkAsync(path);
        foreach (var (field, value) in body)
            Assert.True(JsonNode.DeepEquals(value, updated[field]) && JsonNode.DeepEquals(value, read[field]),
                $"{field} was returned as {read[field]}");
        Assert.False((await server.Client.GetOkAsync($"{server.OrganizationPath}/deployments/{id}"))["isCicdEnforced"]!.GetValue<bool>());
        var next = await server.Client.PostOkAsync($"{server.OrganizationPath}/deployments",
            new JsonObject { ["name"] = "next", ["workspaceId"] = server.WorkspaceId });
        Assert.True(next["isCicdEnforced"]!.GetValue<bool>());
        var replaced = await server.Client.PostOkAsync(path, JsonNode.Parse("""{"name":"renamed","description":"d","cicdEnforcedDefault":false}""")!);
        Assert.False(replaced.ContainsKey("defaultRegion"));
    }

    [Theory]
    [InlineData("""{"description":"","cicdEnforcedDefault":true}""")]
    [InlineData("""{"name":"x","cicdEnforcedDefault":true}""")]
    [InlineData("""{"name":"x","description":""}""")]
    [InlineData("""{"name":"taken","description":"","cicdEnforcedDefault":true}""")]
    [InlineData("""{"name":"x","description":"","cicdEnforcedDefault":true,"defaultCloudProvider":"MOON"}""")]
    public async Task Invalid_update_changes_nothing(string body)
    {
        await using var server = await UpdraftServer.StartAsync();
        await server.CreateWorkspaceAsync("taken");
        var path = $"{server.OrganizationPath}/workspaces/{server.WorkspaceId}";
        var before = await server.Client.GetOkAsync(path);
        await server.Client.PostErrorAsync(path, body, HttpStatusCode.BadRequest);
        Assert.Equal(before.ToJsonString(), (await server.Client.GetOkAsync(path)).ToJsonString());
    }

    [Fact]
    public async Task Workspace_with_Deployments_cannot_be_deleted()
    {
        await using var server = await UpdraftServer.StartAsync();
        var workspace = await server.CreateWorkspaceAsync("short-lived");
        var path = $"{server.OrganizationPath}/workspaces/{workspace}";
        var deployment = await server.CreateDeploymentAsync(workspaceId: workspace);
        var member = server.ClientWith(await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", workspace));
        await member.GetOkAsync(path);
        using (var rejected = await server.Client.DeleteAsync(path, TestContext.Current.CancellationToken))
            Assert.Contains("has 1 Deployment", (await rejected.ReadAsync(HttpStatusCode.BadRequest)).Text("message"),
                StringComparison.Ordinal);
        Assert.NotNull(await server.Client.GetOkAsync(path));
        using (await server.Client.DeleteAsync($"{server.OrganizationPath}/deployments/{deployment}",
            TestContext.Current.CancellationToken))
        using (var deletion = await server.Client.DeleteAsync(path, TestContext.Current.CancellationToken))
            Assert.Equal(HttpStatusCode.NoContent, deletion.StatusCode);
        using var again = await server.Client.DeleteAsync(path, TestContext.Current.CancellationToken);
        await again.ReadAsync(HttpStatusCode.NotFound);
        using var byMember = await member.GetAsync("/v1/organizations", TestContext.Current.CancellationToken);
        await byMember.ReadAsync(HttpStatusCode.Unauthorized);
        await server.CreateWorkspaceAsync("short-lived");
    }
}
