using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using Updraft.Server.Tests.Web;

namespace Updraft.Server.Tests.SignIn;

/// <summary>Deactivation of users, and the ends of their sessions.</summary>
public sealed class UserStatusTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Deactivated_user_loses_access_with_the_response()
    {
        await using var server = await UpdraftServer.StartAsync();
        var (id, access, refresh) = await server.AddUserAsync("leaver@example.org");
        var client = server.ClientWith(access);
        await client.GetOkAsync("/v1/users/self");
        var changed = await SetAsync(server, id, "INACTIVE");
        Assert.Equal("INACTIVE", changed.Text("status"));
        using var rejected = await client.GetAsync("/v1/users/self", Cancelled);
        Assert.Equal(HttpStatusCode.Unauthorized, rejected.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, await RefreshAsync(server, refresh));
        var refusal = await Assert.ThrowsAsync<Updraft.Server.Api.ApiException>(() => server.AddUserAsync("leaver@example.org"));
        Assert.Equal("account_inactive", refusal.Code.Id);

        await SetAsync(server, id, "ACTIVE");
        // The old login stays ended; only a new one works.
        Assert.Equal(HttpStatusCode.BadRequest, await RefreshAsync(server, refresh));
        var (_, again, _) = await server.AddUserAsync("leaver@example.org");
        await server.ClientWith(again).GetOkAsync("/v1/users/self");
    }

    [Fact]
    public async Task Only_owners_of_the_Organization_change_a_status()
    {
        await using var server = await UpdraftServer.StartAsync();
        var (id, _, _) = await server.AddUserAsync("ann@example.org");
        var workspaceOwner = server.ClientWith(await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", server.WorkspaceId));
        using var refused = await workspaceOwner.PostAsync(Path(server, id, "status"), JsonRequests.Json("""{"status":"INACTIVE"}"""), Cancelled);
        using var sessions = await workspaceOwner.GetAsync(Path(server, id, "sessions"), Cancelled);
        using var wrong = await server.Client.PostAsync(Path(server, id, "status"), JsonRequests.Json("{}"), Cancelled);
        using var unknown = await server.Client.PostAsync(Path(server, "cunknown0000000000000000x", "status"),
            JsonRequests.Json("""{"status":"INACTIVE"}"""), Cancelled);
        Assert.Equal([HttpStatusCode.Forbidden, HttpStatusCode.Forbidden, HttpStatusCode.BadRequest, HttpStatusCode.NotFound],
            new[] { refused.StatusCode, sessions.StatusCode, wrong.StatusCode, unknown.StatusCode });
    }

    [Fact]
    public async Task Last_owner_cannot_be_deactivated()
    {
        await using var server = await UpdraftServer.StartAsync();
        var (id, access, _) = await server.AddUserAsync("owner@example.org");
        await server.Client.PostOkAsync($"{server.OrganizationPath}/users/{id}/roles", new JsonObject { ["organizationRole"] = "ORGANIZATION_OWNER" });
        var owner = server.ClientWith(access);
        using (await owner.DeleteAsync($"{server.OrganizationPath}/tokens/{Jwt.Claims(server.OwnerToken).Text("sub")}", Cancelled))
        {
        }
        using var response = await owner.PostAsync(Path(server, id, "status"), JsonRequests.Json("""{"status":"INACTIVE"}"""), Cancelled);
        Assert.Equal("last_owner", response.Headers.GetValues("x-error-code").Single());
        await owner.GetOkAsync("/v1/users/self");
    }

    [Fact]
    public async Task Sign_out_ends_copies_of_the_cookie()
    {
        await using var server = await UpdraftServer.StartAsync();
        using var visitor = await Visitor.SignedInAsync(server);
        var copy = visitor.Cookies.GetCookieHeader(server.BaseAddress);
        Assert.Equal(HttpStatusCode.OK, await GetAsync(server, copy));
        using var signedOut = await visitor.SendFormAsync("/deployments", "/signout");
        Assert.Equal(HttpStatusCode.Redirect, await GetAsync(server, copy));
    }

    [Fact]
    public async Task Session_ends_when_idle_and_after_its_lifetime()
    {
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await UpdraftServer.StartAsync(clock, new Dictionary<string, string>
        {
            ["SignIn:SessionIdle"] = "01:00:00",
            ["SignIn:SessionLifetime"] = "03:00:00",
        });
        using var idle = await Visitor.SignedInAsync(server);
        using var busy = await Visitor.SignedInAsync(server);
        for (var i = 0; i < 3; i++)
        {
            clock.Advance(TimeSpan.FromMinutes(50));
            Assert.Equal(HttpStatusCode.OK, await GetAsync(server, busy.Cookies.GetCookieHeader(server.BaseAddress)));
        }
        Assert.Equal(HttpStatusCode.Redirect, await GetAsync(server, idle.Cookies.GetCookieHeader(server.BaseAddress)));
        clock.Advance(TimeSpan.FromMinutes(31));
        Assert.Equal(HttpStatusCode.Redirect, await GetAsync(server, busy.Cookies.GetCookieHeader(server.BaseAddress)));
    }

    [Fact]
    public async Task Live_updates_of_an_open_page_do_not_prolong_a_session()
    {
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await UpdraftServer.StartAsync(clock,
            new Dictionary<string, string> { ["SignIn:SessionIdle"] = "01:00:00" });
        using var visitor = await Visitor.SignedInAsync(server);
        var cookie = visitor.Cookies.GetCookieHeader(server.BaseAddress);
        clock.Advance(TimeSpan.FromMinutes(50));
        using (var request = new HttpRequestMessage(HttpMethod.Get, "/deployments/events"))
        {
            request.Headers.Add("Cookie", cookie);
            request.Headers.Add("Accept", "text/event-stream");
            using var stream = await server.Anonymous.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancelled);
            Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
        }
        clock.Advance(TimeSpan.FromMinutes(20));
        Assert.Equal(HttpStatusCode.Redirect, await GetAsync(server, cookie));
    }

    [Fact]
    public async Task Login_ends_after_its_lifetime_although_it_is_refreshed()
    {
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await UpdraftServer.StartAsync(clock,
            new Dictionary<string, string> { ["SignIn:LoginIdle"] = "2.00:00:00", ["SignIn:LoginLifetime"] = "5.00:00:00" });
        var (id, _, refresh) = await server.AddUserAsync("ann@example.org");
        for (var i = 0; i < 4; i++)
        {
            clock.Advance(TimeSpan.FromDays(1.2));
            var tokens = await (await PostRefreshAsync(server, refresh)).ReadAsync(HttpStatusCode.OK);
            refresh = tokens.Text("refresh_token");
        }
        var sessions = (await server.Client.GetOkAsync(Path(server, id, "sessions")))["sessions"]!.AsArray();
        Assert.Equal("CLI", sessions.Single()!["kind"]!.GetValue<string>());
        clock.Advance(TimeSpan.FromDays(0.3));
        Assert.Equal(HttpStatusCode.BadRequest, await RefreshAsync(server, refresh));
    }

    [Fact]
    public async Task Ended_sessions_of_a_user_stay_ended()
    {
        await using var server = await UpdraftServer.StartAsync();
        var (id, access, refresh) = await server.AddUserAsync("ann@example.org");
        using var ended = await server.Client.DeleteAsync(Path(server, id, "sessions"), Cancelled);
        using var rejected = await server.ClientWith(access).GetAsync("/v1/users/self", Cancelled);
        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.Unauthorized), (ended.StatusCode, rejected.StatusCode));
        Assert.Equal(HttpStatusCode.BadRequest, await RefreshAsync(server, refresh));
        await server.AddUserAsync("ann@example.org");
    }

    [Fact]
    public async Task Expiring_token_gives_no_role_and_activates_no_user()
    {
        await using var server = await UpdraftServer.StartAsync();
        var (id, _, _) = await server.AddUserAsync("ann@example.org");
        await SetAsync(server, id, "INACTIVE");
        var client = server.ClientWith(await server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_OWNER", days: 1));
        using var role = await client.PostAsync($"{server.OrganizationPath}/users/{id}/roles",
            JsonRequests.Json("""{"organizationRole":"ORGANIZATION_OWNER"}"""), Cancelled);
        using var status = await client.PostAsync(Path(server, id, "status"), JsonRequests.Json("""{"status":"ACTIVE"}"""), Cancelled);
        Assert.Equal(["token_outlives_caller", "token_outlives_caller"],
            new[] { role, status }.Select(response => response.Headers.GetValues("x-error-code").Single()));
        using var smaller = await client.PostAsync($"{server.OrganizationPath}/users/{id}/roles", JsonRequests.Json("{}"), Cancelled);
        Assert.Equal(HttpStatusCode.OK, smaller.StatusCode);
    }

    private static string Path(UpdraftServer server, string user, string last) =>
        $"/updraft/v1/organizations/{server.OrganizationId}/users/{user}/{last}";

    private static Task<JsonObject> SetAsync(UpdraftServer server, string user, string status) =>
        server.Client.PostOkAsync(Path(server, user, "status"), new JsonObject { ["status"] = status });

    private static async Task<HttpStatusCode> RefreshAsync(UpdraftServer server, string token)
    {
        using var response = await PostRefreshAsync(server, token);
        return response.StatusCode;
    }

    private static async Task<HttpResponseMessage> PostRefreshAsync(UpdraftServer server, string token)
    {
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["client_id"] = "updraft-cli",
            ["grant_type"] = "refresh_token",
            ["refresh_token"] = token,
        });
        return await server.Anonymous.PostAsync("/oauth/token", form, Cancelled);
    }

    private static async Task<HttpStatusCode> GetAsync(UpdraftServer server, string cookies)
    {
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false };
        using var client = new HttpClient(handler) { BaseAddress = server.BaseAddress };
        client.DefaultRequestHeaders.Add("Cookie", cookies);
        client.DefaultRequestHeaders.Add("Accept", "text/html");
        using var response = await client.GetAsync("/deployments", Cancelled);
        return response.StatusCode;
    }
}
