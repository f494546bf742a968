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
    public async Task Filter_by_Workspace_returns_tokens_with_a_role_for_it()
    {
        var server = shared.Server;
        var workspace = await server.CreateWorkspaceAsync("filter");
        var deployment = await server.CreateDeploymentAsync("filter", workspace);
        await server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", deployment);
        await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", workspace);
        foreach (var prefix in (string[])["/v1", "/iam/v1beta1"])
        {
            var path = $"{prefix}/organizations/{server.OrganizationId}/tokens";
            foreach (var (filter, entity) in ((string, string)[])[($"workspaceId={workspace}", workspace), ($"deploymentId={deployment}", deployment)])
            {
                var token = Assert.Single((await server.Client.GetOkAsync($"{path}?{filter}"))["tokens"]!.AsArray());
                Assert.Equal(entity, token!["roles"]![0]!["entityId"]!.GetValue<string>());
            }
        }
    }

    [Theory]
    [InlineData("DAG")]
    [InlineData("TAG")]
    [InlineData("TEAM")]
    public async Task Unknown_role_scope_is_rejected_with_the_name_of_its_field(string scope)
    {
        var server = shared.Server;
        var path = $"/iam/v1beta1/organizations/{server.OrganizationId}/tokens";
        var id = (await server.Client.PostOkAsync(path, new JsonObject { ["name"] = scope, ["type"] = "ORGANIZATION", ["role"] = "ORGANIZATION_MEMBER" }))
            .Text("id");

        var create = await server.Client.PostErrorAsync(path, $$"""{"name":"x","type":"{{scope}}","role":"DAG_VIEWER"}""", HttpStatusCode.BadRequest);
        var change = await server.Client.PostErrorAsync($"{path}/{id}/roles",
            $$"""{"roles":[{"entityType":"{{scope}}","entityId":"d","role":"DAG_VIEWER"}]}""", HttpStatusCode.BadRequest);

        Assert.StartsWith($"'type' is '{scope}'", create, StringComparison.Ordinal);
        Assert.StartsWith($"'entityType' is '{scope}'", change, StringComparison.Ordinal);
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
