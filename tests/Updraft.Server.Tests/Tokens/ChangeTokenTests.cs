using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace Updraft.Server.Tests.Tokens;

public sealed class ChangeTokenTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private string Tokens => $"{Server.OrganizationPath}/tokens";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rotated_token_keeps_its_ID_and_rejects_its_old_secret()
    {
        var old = await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", Server.WorkspaceId, days: 9);
        var client = Server.ClientWith(old);
        await client.GetOkAsync("/v1/organizations");
        var rotated = await Server.Client.PostOkAsync($"{Tokens}/{Id(old)}/rotate", new JsonObject());
        using var rejected = await client.GetAsync("/v1/organizations", Cancelled);
        await Server.ClientWith(rotated.Text("token")).GetOkAsync("/v1/organizations");
        Assert.Equal(HttpStatusCode.Unauthorized, rejected.StatusCode);
        Assert.Equal((Id(old), Id(old)), (rotated.Text("id"), Jwt.Claims(rotated.Text("token")).Text("apiTokenId")));
        Assert.Equal(rotated.Text("startAt"), rotated.Text("lastRotatedAt"));
    }

    [Fact]
    public async Task Each_role_of_a_token_applies_in_its_own_scope()
    {
        var (other, third) = (await Server.CreateWorkspaceAsync("several"), await Server.CreateWorkspaceAsync("none"));
        var here = await Server.CreateDeploymentAsync("several-here");
        var sibling = await Server.CreateDeploymentAsync("several-sibling");
        var there = await Server.CreateDeploymentAsync("several-there", other);
        var hidden = await Server.CreateDeploymentAsync("several-hidden", third);
        var token = await Server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_MEMBER");
        var client = Server.ClientWith(token);
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(client, there));
        await GrantAsync(token, ("ORGANIZATION", Server.OrganizationId, "ORGANIZATION_MEMBER"), ("WORKSPACE", other, "WORKSPACE_MEMBER"),
            ("DEPLOYMENT", here, "DEPLOYMENT_ADMIN"));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.NotFound, HttpStatusCode.NotFound),
            (await StatusAsync(client, there), await StatusAsync(client, here), await StatusAsync(client, sibling),
                await StatusAsync(client, hidden)));
        Assert.Equal(HttpStatusCode.Forbidden, await DeployAsync(client, there));
        Assert.Equal(HttpStatusCode.OK, await DeployAsync(client, here));
        var deployments = await client.GetOkAsync($"{Server.OrganizationPath}/deployments?sorts=name:asc");
        Assert.Equal([here, there], deployments["deployments"]!.AsArray().Select(row => row!["id"]!.GetValue<string>()));
        var workspaces = await client.GetOkAsync($"{Server.OrganizationPath}/workspaces");
        Assert.Equal(new[] { Server.WorkspaceId, other }.Order(), workspaces["workspaces"]!.AsArray()
            .Select(row => row!["id"]!.GetValue<string>()).Order());
        await GrantAsync(token, ("ORGANIZATION", Server.OrganizationId, "ORGANIZATION_MEMBER"));
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound),
            (await StatusAsync(client, there), await StatusAsync(client, here)));
    }

    [Fact]
    public async Task Permission_in_one_Workspace_does_not_apply_in_a_readable_one()
    {
        var other = await Server.CreateWorkspaceAsync("read-only");
        var elsewhere = await Server.CreateDeploymentAsync("read-only-deployment", other);
        var token = await Server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_MEMBER");
        await GrantAsync(token, ("ORGANIZATION", Server.OrganizationId, "ORGANIZATION_MEMBER"),
            ("WORKSPACE", Server.WorkspaceId, "WORKSPACE_OWNER"), ("WORKSPACE", other, "WORKSPACE_MEMBER"));
        var client = Server.ClientWith(token);
        await client.PostErrorAsync($"{Server.OrganizationPath}/deployments", $$"""{"name":"x","workspaceId":"{{other}}"}""",
            HttpStatusCode.Forbidden);
        await client.PostErrorAsync(Tokens, Body("WORKSPACE", "WORKSPACE_MEMBER", other), HttpStatusCode.Forbidden);
        await client.PostErrorAsync(Tokens, Body("ORGANIZATION", "ORGANIZATION_MEMBER", null), HttpStatusCode.Forbidden);
        var created = await Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments/{elsewhere}/deploys",
            new JsonObject { ["type"] = "DAG_ONLY" });
        Assert.NotNull(created["dagsUploadUrl"]);
        Assert.Null((await client.GetOkAsync($"{Server.OrganizationPath}/deployments/{elsewhere}/deploys/{created.Text("id")}"))["dagsUploadUrl"]);
    }

    [Fact]
    [Trait("catalog", "S9")]
    public async Task Change_or_rotation_cannot_exceed_the_permissions_of_the_caller()
    {
        var deployment = await Server.CreateDeploymentAsync("s9");
        var mixed = await Server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_MEMBER");
        await GrantAsync(mixed, ("ORGANIZATION", Server.OrganizationId, "ORGANIZATION_MEMBER"),
            ("WORKSPACE", Server.WorkspaceId, "WORKSPACE_MEMBER"));
        var owner = Server.ClientWith(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", Server.WorkspaceId));
        var admin = Server.ClientWith(await Server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", deployment));
        await owner.GetOkAsync($"{Tokens}/{Id(mixed)}");
        foreach (var (path, body) in new[] { ("/rotate", "{}"), ("", "{\"name\":\"x\"}"),
            ("/roles", Roles(("WORKSPACE", Server.WorkspaceId, "WORKSPACE_OWNER"))) })
            await owner.PostErrorAsync($"{Tokens}/{Id(mixed)}{path}", body, HttpStatusCode.Forbidden);
        using var deletion = await owner.DeleteAsync($"{Tokens}/{Id(mixed)}", Cancelled);
        Assert.Equal(HttpStatusCode.Forbidden, deletion.StatusCode);
        await admin.PostErrorAsync($"{Tokens}/{Id(mixed)}/rotate", "{}", HttpStatusCode.NotFound);
        var own = await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", Server.WorkspaceId);
        await owner.PostErrorAsync($"{Tokens}/{Id(own)}/roles", Roles(("WORKSPACE", Server.WorkspaceId, "WORKSPACE_OWNER"),
            ("ORGANIZATION", Server.OrganizationId, "ORGANIZATION_OWNER")), HttpStatusCode.BadRequest);
    }

    [Fact]
    [Trait("catalog", "S9")]
    public async Task Rotation_cannot_exceed_the_expiry_of_the_caller()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var server = await UpdraftServer.StartAsync(clock);
        var token = await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", server.WorkspaceId, days: 7);
        var endless = await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", server.WorkspaceId);
        var end = (await server.Client.GetOkAsync($"{server.OrganizationPath}/tokens/{Id(token)}")).Text("endAt");
        clock.Advance(TimeSpan.FromDays(3));
        var client = server.ClientWith(token);
        await client.PostErrorAsync($"{server.OrganizationPath}/tokens/{Id(endless)}/rotate", "{}", HttpStatusCode.Forbidden);
        Assert.Equal(end, (await client.PostOkAsync($"{server.OrganizationPath}/tokens/{Id(token)}/rotate", new JsonObject()))
            .Text("endAt"));
    }

    [Fact]
    [Trait("catalog", "S13")]
    public async Task Last_owner_token_keeps_its_role()
    {
        await using var server = await UpdraftServer.StartAsync();
        var path = $"{server.OrganizationPath}/tokens/{Id(server.OwnerToken)}/roles";
        var body = Roles(("ORGANIZATION", server.OrganizationId, "ORGANIZATION_MEMBER"));
        Assert.Contains("last owner", await server.Client.PostErrorAsync(path, body, HttpStatusCode.BadRequest), StringComparison.Ordinal);
        await server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_OWNER");
        Assert.Equal("ORGANIZATION_MEMBER", (await server.Client.PostOkAsync(path, JsonNode.Parse(body)!)).Text("organizationRole"));
    }

    [Fact]
    public async Task Renamed_token_names_its_editor()
    {
        var token = await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", Server.WorkspaceId);
        var changed = await Server.Client.PostOkAsync($"{Tokens}/{Id(token)}",
            new JsonObject { ["name"] = "other", ["description"] = "why" });
        Assert.Equal(("other", "why", Id(Server.OwnerToken)),
            (changed.Text("name"), changed.Text("description"), changed["updatedBy"]!["id"]!.GetValue<string>()));
        await Server.ClientWith(token).GetOkAsync("/v1/organizations");
    }

    [Fact]
    public async Task Roles_must_include_the_scope_of_the_token_and_none_outside()
    {
        var other = await Server.CreateWorkspaceAsync("outside");
        var path = $"{Tokens}/{Id(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", Server.WorkspaceId))}/roles";
        foreach (var body in new[]
        {
            "{}", "{\"roles\":[]}", Roles(("WORKSPACE", other, "WORKSPACE_MEMBER")),
            Roles(("WORKSPACE", Server.WorkspaceId, "WORKSPACE_MEMBER"), ("WORKSPACE", other, "WORKSPACE_MEMBER")),
            Roles(("WORKSPACE", Server.WorkspaceId, "WORKSPACE_MEMBER"), ("WORKSPACE", Server.WorkspaceId, "WORKSPACE_OWNER")),
            Roles(("WORKSPACE", Server.WorkspaceId, "AGENT")),
        })
            await Server.Client.PostErrorAsync(path, body, HttpStatusCode.BadRequest);
    }

    private static string Id(string token) => Jwt.Claims(token).Text("sub");

    private static string Body(string scope, string role, string? entityId) =>
        new JsonObject { ["name"] = "x", ["scope"] = scope, ["role"] = role, ["entityId"] = entityId }.ToJsonString();

    private static string Roles(params (string Type, string Id, string Role)[] roles) => new JsonObject
    {
        ["roles"] = new JsonArray([.. roles.Select(role =>
            (JsonNode)new JsonObject { ["entityType"] = role.Type, ["entityId"] = role.Id, ["role"] = role.Role })]),
    }.ToJsonString();

    private async Task GrantAsync(string token, params (string Type, string Id, string Role)[] roles) =>
        await Server.Client.PostOkAsync($"{Tokens}/{Id(token)}/roles", JsonNode.Parse(Roles(roles))!);

    private async Task<HttpStatusCode> StatusAsync(HttpClient client, string deployment)
    {
        using var response = await client.GetAsync($"{Server.OrganizationPath}/deployments/{deployment}", Cancelled);
        return response.StatusCode;
    }

    private async Task<HttpStatusCode> DeployAsync(HttpClient client, string deployment)
    {
        using var response = await client.PostAsync($"{Server.OrganizationPath}/deployments/{deployment}/deploys",
            JsonRequests.Json("""{"type":"DAG_ONLY"}"""), Cancelled);
        return response.StatusCode;
    }
}
