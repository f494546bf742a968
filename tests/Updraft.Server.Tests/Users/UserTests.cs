using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Users;

public sealed class UserTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private string Users => $"{Server.OrganizationPath}/users";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task User_reads_their_own_profile()
    {
        var (id, token, _) = await Server.AddUserAsync("self@example.org");
        var self = await Server.ClientWith(token).GetOkAsync("/v1/users/self?createIfNotExist=true");
        Assert.Equal((id, "self@example.org", "Name of self@example.org", "ACTIVE"),
            (self.Text("id"), self.Text("username"), self.Text("fullName"), self.Text("status")));
        Assert.Equal("ORGANIZATION_MEMBER", self["roles"]![0]!["role"]!.GetValue<string>());
    }

    [Fact]
    public async Task Token_reads_its_own_profile_in_the_shape_of_a_user()
    {
        var self = await Server.Client.GetOkAsync("/v1/users/self");
        Assert.Equal(("owner", "ACTIVE", ""), (self.Text("username"), self.Text("status"), self.Text("avatarUrl")));
    }

    [Fact]
    public async Task Granted_and_removed_roles_apply_on_the_next_request()
    {
        var (id, token, _) = await Server.AddUserAsync("roles@example.org");
        var client = Server.ClientWith(token);
        var deployment = await Server.CreateDeploymentAsync("people");
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(client, deployment));
        var roles = await Server.Client.PostOkAsync($"{Users}/{id}/roles", new JsonObject
        {
            ["organizationRole"] = "ORGANIZATION_MEMBER",
            ["workspaceRoles"] = new JsonArray(new JsonObject { ["workspaceId"] = Server.WorkspaceId, ["role"] = "WORKSPACE_AUTHOR" }),
        });
        Assert.Equal("WORKSPACE_AUTHOR", roles["workspaceRoles"]![0]!["role"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, deployment));
        Assert.Equal(id, (await Server.Client.GetOkAsync($"{Users}?workspaceId={Server.WorkspaceId}&sorts=username:asc"))["users"]![0]!["id"]!.GetValue<string>());
        await Server.Client.PostOkAsync($"{Users}/{id}/roles", new JsonObject());
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, deployment));
        await Server.Client.PostOkAsync($"{Users}/{id}/roles",
            new JsonObject { ["organizationRole"] = null, ["workspaceRoles"] = new JsonArray() });
        using var nothing = await client.GetAsync("/v1/organizations", Cancelled);
        Assert.Equal(HttpStatusCode.Forbidden, nothing.StatusCode);
        Assert.Contains("you have no role", (await nothing.ReadAsync(HttpStatusCode.Forbidden)).Text("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Absent_roles_stay_except_for_the_Terraform_provider()
    {
        var (id, _, _) = await Server.AddUserAsync("alone@example.org");
        var deployment = await Server.CreateDeploymentAsync("alone");
        await Server.Client.PostOkAsync($"{Users}/{id}/roles", new JsonObject
        {
            ["workspaceRoles"] = new JsonArray(new JsonObject { ["workspaceId"] = Server.WorkspaceId, ["role"] = "WORKSPACE_AUTHOR" }),
            ["deploymentRoles"] = new JsonArray(new JsonObject { ["deploymentId"] = deployment, ["role"] = "DEPLOYMENT_ADMIN" }),
        });
        var alone = new JsonObject { ["organizationRole"] = "ORGANIZATION_BILLING_ADMIN" };

        var kept = await Server.Client.PostOkAsync($"{Users}/{id}/roles", alone);
        Assert.Equal(("ORGANIZATION_BILLING_ADMIN", 1, 1), (kept.Text("organizationRole"), kept["workspaceRoles"]!.AsArray().Count,
            kept["deploymentRoles"]!.AsArray().Count));

        var provider = Users.Replace("/v1", "/iam/v1beta1", StringComparison.Ordinal);
        var replaced = await Server.Client.PostOkAsync($"{provider}/{id}/roles", alone);
        foreach (var response in (JsonObject[])[replaced, await Server.Client.GetOkAsync($"{provider}/{id}")])
            Assert.Equal((false, false), (response.ContainsKey("workspaceRoles"), response.ContainsKey("deploymentRoles")));
        Assert.Empty((await Server.Client.GetOkAsync($"{Users}/{id}"))["workspaceRoles"]!.AsArray());
    }

    [Fact]
    public async Task Workspace_owner_replaces_only_the_roles_in_the_Workspace()
    {
        var other = await Server.CreateWorkspaceAsync("people-other");
        var (id, _, _) = await Server.AddUserAsync("shared@example.org");
        await Server.Client.PostOkAsync($"{Users}/{id}/roles", new JsonObject
        {
            ["organizationRole"] = "ORGANIZATION_MEMBER",
            ["workspaceRoles"] = new JsonArray(new JsonObject { ["workspaceId"] = other, ["role"] = "WORKSPACE_OWNER" }),
        });
        var owner = Server.ClientWith(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", Server.WorkspaceId));
        await owner.PostOkAsync($"{Users}/{id}/roles", new JsonObject
        {
            ["workspaceRoles"] = new JsonArray(new JsonObject { ["workspaceId"] = Server.WorkspaceId, ["role"] = "WORKSPACE_MEMBER" }),
        });
        var all = (await Server.Client.GetOkAsync($"{Users}/{id}"))["workspaceRoles"]!.AsArray();
        Assert.Equal(2, all.Count);
        Assert.DoesNotContain(other, (await owner.GetOkAsync($"{Users}/{id}")).ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(0, (await owner.GetOkAsync($"{Users}?workspaceId={other}"))["totalCount"]!.GetValue<int>());
        await owner.PostErrorAsync($"{Users}/{id}/roles", """{"organizationRole":"ORGANIZATION_OWNER"}""", HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Enforced_CICD_allows_deploys_by_tokens_only()
    {
        var (id, token, _) = await Server.AddUserAsync("cicd@example.org");
        await Server.Client.PostOkAsync($"{Users}/{id}/roles", new JsonObject { ["organizationRole"] = "ORGANIZATION_OWNER" });
        var (strict, free) = (await Server.CreateDeploymentAsync("cicd-strict", isCicdEnforced: true),
            await Server.CreateDeploymentAsync("cicd-free"));
        var client = Server.ClientWith(token);
        await client.PostErrorAsync($"{Server.OrganizationPath}/deployments/{strict}/deploys", """{"type":"DAG_ONLY"}""", HttpStatusCode.Forbidden);
        var deploy = await Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments/{strict}/deploys",
            new JsonObject { ["type"] = "DAG_ONLY" });
        foreach (var step in (string[])["finalize", "rollback"])
            await client.PostErrorAsync($"{Server.OrganizationPath}/deployments/{strict}/deploys/{deploy.Text("id")}/{step}",
                """{"dagTarballVersion":"x"}""", HttpStatusCode.Forbidden);
        var own = await client.PostOkAsync($"{Server.OrganizationPath}/deployments/{free}/deploys",
            new JsonObject { ["type"] = "DAG_ONLY" });
        Assert.Equal(("USER", "cicd@example.org"),
            (own["createdBySubject"]!["subjectType"]!.GetValue<string>(), own["createdBySubject"]!["username"]!.GetValue<string>()));
    }

    [Fact]
    [Trait("catalog", "S13")]
    public async Task Last_owner_keeps_the_role()
    {
        await using var server = await UpdraftServer.StartAsync();
        var (id, token, _) = await server.AddUserAsync("last@example.org");
        await server.Client.PostOkAsync($"{server.OrganizationPath}/users/{id}/roles",
            new JsonObject { ["organizationRole"] = "ORGANIZATION_OWNER" });
        var user = server.ClientWith(token);
        using var deletion = await user.DeleteAsync($"{server.OrganizationPath}/tokens/{Jwt.Claims(server.OwnerToken).Text("sub")}",
            Cancelled);
        Assert.Equal(HttpStatusCode.NoContent, deletion.StatusCode);
        Assert.Contains("last owner",
            await user.PostErrorAsync($"{server.OrganizationPath}/users/{id}/roles", """{"organizationRole":null}""",
                HttpStatusCode.BadRequest), StringComparison.Ordinal);
        await user.GetOkAsync($"{server.OrganizationPath}/tokens");
    }

    private async Task<HttpStatusCode> StatusAsync(HttpClient client, string deployment)
    {
        using var response = await client.GetAsync($"{Server.OrganizationPath}/deployments/{deployment}", Cancelled);
        return response.StatusCode;
    }
}
