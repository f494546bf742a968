using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace Updraft.Server.Tests.Tokens;

public sealed class TokenTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private string Tokens => $"{Server.OrganizationPath}/tokens";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Deployment_token_names_its_scopes_in_its_permissions()
    {
        var deployment = await Server.CreateDeploymentAsync("claims");
        var claims = Jwt.Claims(await Server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", deployment));
        Assert.Equal(
            $"apiTokenId:{claims.Text("sub")} workspaceId:{Server.WorkspaceId} organizationId:{Server.OrganizationId} "
                + $"deploymentId:{deployment}",
            string.Join(' ', claims["permissions"]!.AsArray().Select(entry => entry!.GetValue<string>())));
        Assert.Equal("DEPLOYMENT", claims.Text("scope"));
        Assert.Null(claims["exp"]);
    }

    [Fact]
    public async Task Workspace_token_names_its_Workspace_and_its_expiry()
    {
        var claims = Jwt.Claims(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", Server.WorkspaceId, days: 30));
        Assert.Equal($"apiTokenId:{claims.Text("sub")} workspaceId:{Server.WorkspaceId} organizationId:{Server.OrganizationId}",
            string.Join(' ', claims["permissions"]!.AsArray().Select(entry => entry!.GetValue<string>())));
        Assert.Equal(claims["iat"]!.GetValue<long>() + 30 * 86_400L, claims["exp"]!.GetValue<long>());
    }

    [Fact]
    public void Organization_token_names_no_Workspace()
    {
        var claims = Jwt.Claims(Server.OwnerToken);
        Assert.Equal($"apiTokenId:{claims.Text("sub")} organizationId:{Server.OrganizationId}",
            string.Join(' ', claims["permissions"]!.AsArray().Select(entry => entry!.GetValue<string>())));
        Assert.Equal("ES256", Jwt.Header(Server.OwnerToken).Text("alg"));
        Assert.False(claims["isAstronomerGenerated"]!.GetValue<bool>());
        Assert.Equal((claims.Text("sub"), "v1"), (claims.Text("apiTokenId"), claims.Text("version")));
    }

    [Fact]
    public async Task Token_value_is_only_in_the_response_of_its_creation()
    {
        var created = await Server.Client.PostOkAsync(Tokens,
            new JsonObject { ["name"] = "shown once", ["scope"] = "ORGANIZATION", ["role"] = "ORGANIZATION_MEMBER" });
        var read = await Server.Client.GetOkAsync($"{Tokens}/{created.Text("id")}");
        var list = await Server.Client.GetOkAsync($"{Tokens}?limit=1000");
        Assert.NotEmpty(created.Text("token"));
        Assert.Null(read["token"]);
        Assert.DoesNotContain("\"token\"", list.ToJsonString(), StringComparison.Ordinal);
        created.Remove("token");
        Assert.Equal(created.ToJsonString(), read.ToJsonString());
    }

    public static TheoryData<string, string> BadRequests => new()
    {
        { """{"scope":"ORGANIZATION","role":"ORGANIZATION_OWNER"}""", "'name'" },
        { """{"name":" ","scope":"ORGANIZATION","role":"ORGANIZATION_OWNER"}""", "'name'" },
        { """{"name":"a\r\nb","scope":"ORGANIZATION","role":"ORGANIZATION_OWNER"}""", "'name'" },
        { """{"name":"a","role":"ORGANIZATION_OWNER"}""", "'scope'" },
        { """{"name":"a","scope":"GALAXY","role":"ORGANIZATION_OWNER"}""", "'scope'" },
        { """{"name":"a","scope":"ORGANIZATION"}""", "'role'" },
        { """{"name":"a","scope":"ORGANIZATION","role":"EMPEROR"}""", "'role'" },
        { """{"name":"a","scope":"DEPLOYMENT","role":"AGENT","entityId":"x"}""", "'role'" },
        { """{"name":"a","scope":"ORGANIZATION","role":"WORKSPACE_OWNER"}""", "cannot be granted" },
        { """{"name":"a","scope":"WORKSPACE","role":"WORKSPACE_OWNER"}""", "'entityId'" },
        { """{"name":"a","scope":"ORGANIZATION","role":"ORGANIZATION_OWNER","tokenExpiryPeriodInDays":0}""", "3650" },
        { """{"name":"a","scope":"ORGANIZATION","role":"ORGANIZATION_OWNER","tokenExpiryPeriodInDays":3651}""", "3650" },
        { """{"name":"a","scope":"ORGANIZATION","role":"ORGANIZATION_OWNER","kind":"DIRECT_ACCESS"}""", "'kind'" },
    };

    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task Invalid_token_request_is_rejected_with_the_field_name(string body, string expected)
    {
        Assert.Contains(expected, await Server.Client.PostErrorAsync(Tokens, body, HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_for_a_scope_that_the_caller_cannot_see_is_404()
    {
        var workspace = await Server.CreateWorkspaceAsync("unseen");
        var deployment = await Server.CreateDeploymentAsync("unseen", workspace);
        var client = Server.ClientWith(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", Server.WorkspaceId));
        await client.PostErrorAsync(Tokens, Body("WORKSPACE", "WORKSPACE_MEMBER", workspace), HttpStatusCode.NotFound);
        await client.PostErrorAsync(Tokens, Body("DEPLOYMENT", "DEPLOYMENT_ADMIN", deployment), HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Token_with_more_permissions_than_the_caller_is_403()
    {
        var deployment = await Server.CreateDeploymentAsync("escalation");
        var owner = Server.ClientWith(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", Server.WorkspaceId));
        var admin = Server.ClientWith(await Server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", deployment));
        await owner.PostErrorAsync(Tokens, Body("ORGANIZATION", "ORGANIZATION_MEMBER", null), HttpStatusCode.Forbidden);
        await owner.PostErrorAsync(Tokens, Body("ORGANIZATION", "ORGANIZATION_OWNER", null), HttpStatusCode.Forbidden);
        await admin.PostErrorAsync(Tokens, Body("WORKSPACE", "WORKSPACE_MEMBER", Server.WorkspaceId), HttpStatusCode.Forbidden);
        await admin.PostErrorAsync(Tokens, Body("ORGANIZATION", "ORGANIZATION_OWNER", null), HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Token_that_outlives_its_creator_is_403()
    {
        var deployment = await Server.CreateDeploymentAsync("short-lived");
        var client = Server.ClientWith(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", Server.WorkspaceId, days: 7));
        var body = Body("WORKSPACE", "WORKSPACE_MEMBER", Server.WorkspaceId);
        await client.PostErrorAsync(Tokens, body, HttpStatusCode.Forbidden);
        var longer = body.Replace("}", ",\"tokenExpiryPeriodInDays\":8}", StringComparison.Ordinal);
        await client.PostErrorAsync(Tokens, longer, HttpStatusCode.Forbidden);
        await client.PostErrorAsync($"{Server.OrganizationPath}/deployments/{deployment}/agent-tokens", "{\"name\":\"a\"}",
            HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Callers_list_and_read_only_tokens_in_their_own_scopes()
    {
        var deployment = await Server.CreateDeploymentAsync("reach");
        var token = await Server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", deployment);
        var client = Server.ClientWith(token);
        var list = await client.GetOkAsync(Tokens);
        using var owner = await client.GetAsync($"{Tokens}/{Jwt.Claims(Server.OwnerToken).Text("sub")}", Cancelled);
        using var deletion = await client.DeleteAsync($"{Tokens}/{Jwt.Claims(Server.OwnerToken).Text("sub")}", Cancelled);
        Assert.Equal(1, list["totalCount"]!.GetValue<int>());
        Assert.Equal(Jwt.Claims(token).Text("sub"), list["tokens"]![0]!["id"]!.GetValue<string>());
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (owner.StatusCode, deletion.StatusCode));
    }

    [Fact]
    public async Task Last_owner_token_cannot_be_deleted()
    {
        await using var server = await UpdraftServer.StartAsync(new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60)));
        var path = $"{server.OrganizationPath}/tokens/{Jwt.Claims(server.OwnerToken).Text("sub")}";
        using var rejected = await server.Client.DeleteAsync(path, Cancelled);
        await server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_OWNER");
        using var deleted = await server.Client.DeleteAsync(path, Cancelled);
        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.NoContent), (rejected.StatusCode, deleted.StatusCode));
    }

    [Fact]
    public async Task Agent_token_has_its_own_list_and_is_invalid_after_its_deletion()
    {
        var deployment = await Server.CreateDeploymentAsync("agents");
        var path = $"{Server.OrganizationPath}/deployments/{deployment}/agent-tokens";
        var created = await Server.Client.PostOkAsync(path, new JsonObject { ["name"] = "host-1", ["tokenExpiryPeriodInDays"] = 5 });
        Assert.Equal("AGENT", created["roles"]![0]!["role"]!.GetValue<string>());
        var permissions = Jwt.Claims(created.Text("token"))["permissions"]!.ToJsonString();
        Assert.Contains($"deploymentId:{deployment}", permissions, StringComparison.Ordinal);
        Assert.Equal(created.Text("id"), (await Server.Client.GetOkAsync(path))["tokens"]![0]!["id"]!.GetValue<string>());
        Assert.Equal(5, (await Server.Client.GetOkAsync($"{path}/{created.Text("id")}"))["expiryPeriodInDays"]!.GetValue<int>());
        using var asApiToken = await Server.Client.GetAsync($"{Tokens}/{created.Text("id")}", Cancelled);
        using var deletion = await Server.Client.DeleteAsync($"{path}/{created.Text("id")}", Cancelled);
        using var again = await Server.Client.DeleteAsync($"{path}/{created.Text("id")}", Cancelled);
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NoContent, HttpStatusCode.NotFound),
            (asApiToken.StatusCode, deletion.StatusCode, again.StatusCode));
    }

    private static string Body(string scope, string role, string? entityId) =>
        new JsonObject { ["name"] = "x", ["scope"] = scope, ["role"] = role, ["entityId"] = entityId }.ToJsonString();
}
