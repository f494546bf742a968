using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.SignIn;

public sealed class ClaimTests
{
    [Fact]
    public async Task Roles_follow_claims_and_granted_roles_stay()
    {
        await using var server = await StartAsync(("SignIn:Roles:0:Claim", "groups"), ("SignIn:Roles:0:Value", "data"),
            ("SignIn:Roles:0:Role", "WORKSPACE_AUTHOR"), ("SignIn:Roles:0:WorkspaceId", "cwsp00000000000000000test"));
        var (id, _, _) = await server.AddUserAsync("ann@example.org", ("groups", "other"), ("groups", "data"));
        Assert.Equal("ORGANIZATION_MEMBER WORKSPACE_AUTHOR", await RolesAsync(server, id));
        await server.AddUserAsync("ann@example.org", ("groups", "other"));
        Assert.Equal("ORGANIZATION_MEMBER ", await RolesAsync(server, id));
        await server.Client.PostOkAsync($"{server.OrganizationPath}/users/{id}/roles", new JsonObject
        {
            ["organizationRole"] = null,
            ["workspaceRoles"] = new JsonArray(new JsonObject { ["workspaceId"] = server.WorkspaceId, ["role"] = "WORKSPACE_MEMBER" }),
        });
        await server.AddUserAsync("ann@example.org", ("groups", "data"));
        Assert.Equal(" WORKSPACE_MEMBER", await RolesAsync(server, id));
    }

    [Fact]
    public async Task First_owner_is_the_user_with_the_configured_email()
    {
        await using var server = await StartAsync(("SignIn:FirstOwner", "Boss@example.org"), ("SignIn:DefaultRole", "NONE"));
        var (unverified, _, _) = await server.AddUserAsync("boss@example.org", ("email_verified", "false"));
        Assert.Equal(" ", await RolesAsync(server, unverified));
        var (silent, _, _) = await server.AddUserAsync("boss@example.org");
        Assert.Equal(" ", await RolesAsync(server, silent));
        var (boss, token, _) = await server.AddUserAsync("boss@example.org", ("email_verified", "true"));
        var (other, _, _) = await server.AddUserAsync("other@example.org");
        Assert.Equal(("ORGANIZATION_OWNER ", " "), (await RolesAsync(server, boss), await RolesAsync(server, other)));
        await server.ClientWith(token).GetOkAsync($"{server.OrganizationPath}/users");
    }

    [Fact]
    public async Task First_owner_needs_no_verified_email_with_TrustEmail()
    {
        await using var server = await StartAsync(("SignIn:FirstOwner", "boss@example.org"), ("SignIn:TrustEmail", "true"));
        var (boss, _, _) = await server.AddUserAsync("boss@example.org");
        Assert.Equal("ORGANIZATION_OWNER ", await RolesAsync(server, boss));
    }

    [Fact]
    public async Task Role_set_by_hand_over_a_role_from_claims_stays()
    {
        await using var server = await StartAsync(("SignIn:Roles:0:Claim", "groups"), ("SignIn:Roles:0:Value", "data"),
            ("SignIn:Roles:0:Role", "WORKSPACE_OWNER"), ("SignIn:Roles:0:WorkspaceId", "cwsp00000000000000000test"));
        var (id, _, _) = await server.AddUserAsync("ann@example.org", ("groups", "data"));
        await GiveAsync(server, id, "WORKSPACE_MEMBER");
        await server.AddUserAsync("ann@example.org", ("groups", "data"));
        Assert.Equal(" WORKSPACE_MEMBER", await RolesAsync(server, id));
    }

    [Fact]
    public async Task Repeated_role_from_claims_still_ends_with_the_claim()
    {
        await using var server = await StartAsync(("SignIn:Roles:0:Claim", "groups"), ("SignIn:Roles:0:Value", "data"),
            ("SignIn:Roles:0:Role", "WORKSPACE_AUTHOR"), ("SignIn:Roles:0:WorkspaceId", "cwsp00000000000000000test"));
        var (id, _, _) = await server.AddUserAsync("ann@example.org", ("groups", "data"));
        await GiveAsync(server, id, "WORKSPACE_AUTHOR");
        await server.AddUserAsync("ann@example.org");
        Assert.Equal(" ", await RolesAsync(server, id));
    }

    private static Task<JsonObject> GiveAsync(UpdraftServer server, string id, string role) => server.Client.PostOkAsync(
        $"{server.OrganizationPath}/users/{id}/roles", new JsonObject
        {
            ["organizationRole"] = null,
            ["workspaceRoles"] = new JsonArray(new JsonObject { ["workspaceId"] = server.WorkspaceId, ["role"] = role }),
        });

    [Fact]
    public async Task User_without_an_email_cannot_sign_in()
    {
        await using var server = await StartAsync();
        var refusal = await Assert.ThrowsAsync<Updraft.Server.Api.ApiException>(() => server.AddUserAsync(""));
        Assert.Equal((int)HttpStatusCode.Forbidden, refusal.StatusCode);
    }

    private static async Task<UpdraftServer> StartAsync(params (string Name, string Value)[] settings) => await UpdraftServer.StartAsync(
        settings: settings.ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal));

    private static async Task<string> RolesAsync(UpdraftServer server, string id)
    {
        var user = await server.Client.GetOkAsync($"{server.OrganizationPath}/users/{id}");
        return $"{user["organizationRole"]} "
            + $"{string.Join(' ', user["workspaceRoles"]!.AsArray().Select(role => role!["role"]!.GetValue<string>()))}";
    }
}
