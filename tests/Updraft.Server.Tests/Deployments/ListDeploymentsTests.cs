using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Deployments;

public sealed class ListDeploymentsTests : IAsyncLifetime
{
    private UpdraftServer? _server;

    private string _workspace = "";
    private string _alpha = "";

    private UpdraftServer Server => _server ?? throw new InvalidOperationException("Not started.");

    private string Deployments => $"{Server.OrganizationPath}/deployments";

    public async ValueTask InitializeAsync()
    {
        _server = await UpdraftServer.StartAsync();
        _workspace = await Server.CreateWorkspaceAsync("second");
        await Server.CreateDeploymentAsync("charlie");
        _alpha = await Server.CreateDeploymentAsync("alpha");
        await Server.CreateDeploymentAsync("bravo", _workspace);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("", "charlie alpha bravo", 3)]
    [InlineData("?sorts=name:asc", "alpha bravo charlie", 3)]
    [InlineData("?sorts=name:desc", "charlie bravo alpha", 3)]
    [InlineData("?sorts=createdAt:desc", "bravo alpha charlie", 3)]
    [InlineData("?names=alpha&names=bravo", "alpha bravo", 2)]
    [InlineData("?workspaceIds={second}", "bravo", 1)]
    [InlineData("?deploymentIds={alpha}&deploymentIds=unknown", "alpha", 1)]
    [InlineData("?workspaceIds={second}&names=alpha", "", 0)]
    [InlineData("?limit=1&offset=1", "alpha", 3)]
    [InlineData("?limit=0", "", 3)]
    [InlineData("?offset=1000&limit=1000", "", 3)]
    [InlineData("?search=zzz&whatever=1", "charlie alpha bravo", 3)]
    [InlineData("?names=%27%20OR%201%3D1%20--", "", 0)]
    public async Task List_is_filtered_sorted_and_paged(string query, string expected, int total)
    {
        var list = await Server.Client.GetOkAsync(Deployments + query
            .Replace("{second}", _workspace, StringComparison.Ordinal).Replace("{alpha}", _alpha, StringComparison.Ordinal));
        Assert.Equal(expected, Names(list));
        Assert.Equal(total, list["totalCount"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("?sorts=id:asc")]
    [InlineData("?sorts=name")]
    [InlineData("?sorts=name:asc;drop")]
    [InlineData("?limit=1001")]
    [InlineData("?limit=-1")]
    [InlineData("?offset=many")]
    [InlineData("?limit=1&limit=2")]
    public async Task Invalid_list_query_is_rejected_with_400(string query)
    {
        using var response = await Server.Client.GetAsync(Deployments + query, TestContext.Current.CancellationToken);
        await response.ReadAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Workspace_token_lists_only_Deployments_of_its_Workspace()
    {
        var client = Server.ClientWith(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", _workspace));
        var list = await client.GetOkAsync($"{Deployments}?workspaceIds={_workspace}&workspaceIds={Server.WorkspaceId}");
        Assert.Equal(("bravo", 1), (Names(list), list["totalCount"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Deployment_token_lists_only_its_Deployment()
    {
        var client = Server.ClientWith(await Server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", _alpha));
        var list = await client.GetOkAsync(Deployments);
        Assert.Equal(("alpha", 1), (Names(list), list["totalCount"]!.GetValue<int>()));
    }

    [Fact]
    public async Task List_contains_no_Deployment_of_another_Organization()
    {
        var (organization, workspace, token) = await Server.AddOrganizationAsync("other");
        var stranger = Server.ClientWith(token);
        await stranger.PostOkAsync($"/v1/organizations/{organization}/deployments",
            new JsonObject { ["name"] = "canary", ["workspaceId"] = workspace });
        Assert.Equal("charlie alpha bravo", Names(await Server.Client.GetOkAsync(Deployments)));
        Assert.Equal("canary", Names(await stranger.GetOkAsync($"/v1/organizations/{organization}/deployments")));
    }

    private static string Names(JsonObject list) =>
        string.Join(' ', list["deployments"]!.AsArray().Select(row => row!["name"]!.GetValue<string>()));
}
