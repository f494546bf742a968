using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace Updraft.Server.Tests.Tokens;

[Trait("Database", "every")]
public sealed class TokenTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private string Tokens => $"{Server.OrganizationPath}/tokens";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_deployment_token_names_its_organization_workspace_and_deployment_in_its_permissions()
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
    public async Task A_workspace_token_names_its_workspace_and_the_days_that_it_has()
    {
        var claims = Jwt.Claims(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", Server.WorkspaceId, days: 30));
        Assert.Equal($"apiTokenId:{claims.Text("sub")} workspaceId:{Server.WorkspaceId} organizationId:{Server.OrganizationId}",
            string.Join(' ', claims["permissions"]!.AsArray().Select(entry => entry!.GetValue<string>())));
        Assert.Equal(claims["iat"]!.GetValue<long>() + 30 * 86_400L, claims["exp"]!.GetValue<long>());
    }

    [Fact]
    public void An_organization_token_names_no_workspace()
    {
        var claims = Jwt.Claims(Server.OwnerToken);
        Assert.Equal($"apiTokenId:{claims.Text("sub")} organizationId:{Server.OrganizationId}",
            string.Join(' ', claims["permissions"]!.AsArray().Select(entry => entry!.GetValue<string>())));
        Assert.Equal("ES256", Jwt.Header(Server.OwnerToken).Text("alg"));
        Assert.False(claims["isAstronomerGenerated"]!.GetValue<bool>());
        Assert.Equal((claims.Text("sub"), "v1"), (claims.Text("apiTokenId"), claims.Text("version")));
    }

    [Fact]
    public async Task The_token_itself_is_only_in_the_answer_that_creates_it()
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
        { """{"name":"a","scope":"ORGANIZATION","role":"WORKSPACE_OWNER"}""", "cannot be given" },
        { """{"name":"a","scope":"WORKSPACE","role":"WORKSPACE_OWNER"}""", "'entityId'" },
        { """{"name":"a","scope":"ORGANIZATION","role":"ORGANIZATION_OWNER","tokenExpiryPeriodInDays":0}""", "3650" },
        { """{"name":"a","scope":"ORGANIZATION","role":"ORGANIZATION_OWNER","tokenExpiryPeriodInDays":3651}""", "3650" },
        { """{"name":"a","scope":"ORGANIZATION","role":"ORGANIZATION_OWNER","kind":"DIRECT_ACCESS"}""", "'kind'" },
    };

    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task A_bad_token_request_is_refused_with_the_field(string body, string expected)
    {
        Assert.Contains(expected, await Server.Client.PostErrorAsync(Tokens, body, HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_makes_a_token_for_a_place_that_it_does_not_see()
    {
        var workspace = await Server.CreateWorkspaceAsync("unseen");
        var deployment = await Server.CreateDeploymentAsync("unseen", workspace);
        var client = Server.ClientWith(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", Server.WorkspaceId));
        await client.PostErrorAsync(Tokens, Body("WORKSPACE", "WORKSPACE_MEMBER", workspace), HttpStatusCode.NotFound);
        await client.PostErrorAsync(Tokens, Body("DEPLOYMENT", "DEPLOYMENT_ADMIN", deployment), HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Nobody_makes_a_token_that_reaches_further_or_may_do_more()
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
    public async Task A_token_for_some_days_makes_none_that_lasts_longer()
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
    public async Task A_caller_lists_and_reads_only_tokens_within_its_own_reach()
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
    public async Task The_last_owner_token_stays()
    {
        await using var server = await UpdraftServer.StartAsync(new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60)));
        var path = $"{server.OrganizationPath}/tokens/{Jwt.Claims(server.OwnerToken).Text("sub")}";
        using var refused = await server.Client.DeleteAsync(path, Cancelled);
        await server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_OWNER");
        using var deleted = await server.Client.DeleteAsync(path, Cancelled);
        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.NoContent), (refused.StatusCode, deleted.StatusCode));
    }

    [Fact]
    public async Task An_agent_token_is_listed_apart_and_ends_with_its_deletion()
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
