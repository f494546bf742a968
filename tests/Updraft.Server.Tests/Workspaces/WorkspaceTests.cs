using System.Net;
using System.Text.Json.Nodes;
using Updraft.Server.Tests.Support;

namespace Updraft.Server.Tests.Workspaces;

public sealed class WorkspaceTests
{
    [Fact]
    public async Task A_name_is_taken_once_per_organization()
    {
        await using var server = await UpdraftServer.StartAsync();
        await server.CreateWorkspaceAsync("finance");
        var message = await server.Client.PostErrorAsync($"{server.OrganizationPath}/workspaces", "{\"name\":\"finance\"}",
            HttpStatusCode.BadRequest);
        Assert.Contains("'finance'", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_is_sorted_and_paged_and_counts_all_matches()
    {
        await using var server = await UpdraftServer.StartAsync();
        foreach (var name in (string[])["b", "c", "a"])
            await server.CreateWorkspaceAsync(name);
        var page = await server.Client.GetOkAsync($"{server.OrganizationPath}/workspaces?sorts=name%3Aasc&limit=2&offset=1&unknown=x");
        Assert.Equal("a b", string.Join(' ', page["workspaces"]!.AsArray().Select(row => row!["name"]!.GetValue<string>())));
        Assert.Equal((4, 2, 1), (page["totalCount"]!.GetValue<int>(), page["limit"]!.GetValue<int>(), page["offset"]!.GetValue<int>()));
    }

    [Fact]
    public async Task A_workspace_token_lists_only_its_own_workspace()
    {
        await using var server = await UpdraftServer.StartAsync();
        await server.CreateWorkspaceAsync("secret plans");
        var client = server.ClientWith(await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", server.WorkspaceId));
        var list = await client.GetOkAsync($"{server.OrganizationPath}/workspaces");
        Assert.Equal(1, list["totalCount"]!.GetValue<int>());
        Assert.DoesNotContain("secret plans", list.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task New_deployments_follow_the_workspace_in_who_may_deploy()
    {
        await using var server = await UpdraftServer.StartAsync();
        var workspace = await server.Client.PostOkAsync($"{server.OrganizationPath}/workspaces",
            new JsonObject { ["name"] = "ci only", ["cicdEnforcedDefault"] = true });
        var deployment = await server.Client.PostOkAsync($"{server.OrganizationPath}/deployments",
            new JsonObject { ["name"] = "a", ["workspaceId"] = workspace.Text("id") });
        Assert.True(deployment["isCicdEnforced"]!.GetValue<bool>());
    }
}
