using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Tokens;

/// <summary>The shape of tokens that the Terraform provider reads.</summary>
public sealed class BetaTokenTests(SharedServer shared) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Beta_API_names_the_scope_type()
    {
        var server = shared.Server;
        var path = $"/iam/v1beta1/organizations/{server.OrganizationId}/tokens";
        var created = await server.Client.PostOkAsync(path, new JsonObject
        {
            ["name"] = "terraform",
            ["type"] = "WORKSPACE",
            ["role"] = "WORKSPACE_OWNER",
            ["entityId"] = server.WorkspaceId,
            ["tokenExpiryPeriodInDays"] = 30,
        });
        Assert.Equal(("WORKSPACE", "STANDARD"), (created.Text("type"), created.Text("kind")));
        Assert.Null(created["scope"]);
        await server.ClientWith(created.Text("token")).GetOkAsync("/v1/organizations");
        var url = $"{path}/{created.Text("id")}";
        var roles = await server.Client.PostOkAsync($"{url}/roles", JsonNode.Parse(
            $$"""{"roles":[{"entityType":"WORKSPACE","entityId":"{{server.WorkspaceId}}","role":"WORKSPACE_MEMBER"}]}""")!);
        Assert.Equal("WORKSPACE_MEMBER", roles["workspaceRoles"]![0]!["role"]!.GetValue<string>());
        Assert.Equal("renamed", (await server.Client.PostOkAsync(url, new JsonObject { ["name"] = "renamed", ["description"] = "d" }))
            .Text("name"));
        var read = await server.Client.GetOkAsync(url);
        Assert.Equal("WORKSPACE_MEMBER", read["roles"]![0]!["role"]!.GetValue<string>());
        Assert.Null(read["token"]);
        using var deletion = await server.Client.DeleteAsync(url, TestContext.Current.CancellationToken);
        using var again = await server.Client.GetAsync(url, TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NotFound), (deletion.StatusCode, again.StatusCode));
    }

    [Fact]
    public async Task Role_for_a_Deployment_has_the_fields_that_were_sent()
    {
        var server = shared.Server;
        var path = $"/iam/v1beta1/organizations/{server.OrganizationId}/tokens";
        var deployment = await server.CreateDeploymentAsync("token roles");
        var created = await server.Client.PostOkAsync(path, new JsonObject
        {
            ["name"] = "deployment",
            ["type"] = "DEPLOYMENT",
            ["role"] = "DEPLOYMENT_ADMIN",
            ["entityId"] = deployment,
        });
        foreach (var token in (JsonObject[])[created, await server.Client.GetOkAsync($"{path}/{created.Text("id")}")])
            Assert.Equal($$"""[{"entityType":"DEPLOYMENT","entityId":"{{deployment}}","role":"DEPLOYMENT_ADMIN"}]""",
                token["roles"]!.ToJsonString());
    }

    [Fact]
    public async Task Agent_tokens_have_routes_of_the_Terraform_provider()
    {
        var server = shared.Server;
        var deployment = await server.CreateDeploymentAsync("agent tokens");
        var path = $"/iam/v1beta1/organizations/{server.OrganizationId}/deployments/{deployment}/agent-tokens";
        var created = await server.Client.PostOkAsync(path, new JsonObject { ["name"] = "agents", ["description"] = "d" });
        Assert.Equal("agents", (await server.Client.GetOkAsync($"{path}/{created.Text("id")}")).Text("name"));
        Assert.Single((await server.Client.GetOkAsync(path))["tokens"]!.AsArray());
        using var deletion = await server.Client.DeleteAsync($"{path}/{created.Text("id")}", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, deletion.StatusCode);
    }
}
