using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Playwright;
using Updraft.Browser.Tests.Support;

namespace Updraft.Browser.Tests;

/// <summary>Sign-in with a real provider and a real browser, for <c>astro login</c> and for the web UI.</summary>
[Trait("Runs", "ci")] // Signs in at a provider in a browser, which takes more than a minute.
public sealed class LoginTests(Support.Browser browser) : IClassFixture<Support.Browser>
{
    private const string Email = "ann@example.org", State = "state with + and &";

    private const string Verifier = "a-verifier-that-is-long-enough-for-the-rules-0123456789";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task User_signs_in_from_the_CLI_refreshes_and_signs_out()
    {
        await using var provider = await IdentityProvider.StartAsync();
        await using var server = await StartAsync(provider);
        await using var callback = await CliCallback.StartAsync();
        var page = await browser.NewPageAsync();
        await SignInAsync(page, server, callback.Url);
        var query = await callback.Query;
        Assert.Equal(State, query["state"]);

        var tokens = await (await ExchangeAsync(server, query["code"], callback.Url)).ReadAsync(HttpStatusCode.OK);
        var access = tokens.Text("access_token");
        Assert.Null(Jwt.Claims(access)["permissions"]);
        Assert.Equal(3600, tokens["expires_in"]!.GetValue<long>());
        var self = await server.ClientWith(access).GetOkAsync("/v1/users/self?createIfNotExist=true");
        Assert.Equal((Email, "Ann Example", "ORGANIZATION_OWNER"),
            (self.Text("username"), self.Text("fullName"), self["roles"]![0]!["role"]!.GetValue<string>()));
        Assert.Equal(Email, (await server.ClientWith(access).GetOkAsync("/userinfo")).Text("email"));
        Assert.Equal(1, (await server.ClientWith(access).GetOkAsync($"{server.OrganizationPath}/users"))["totalCount"]!.GetValue<int>());

        using var again = await ExchangeAsync(server, query["code"], callback.Url);
        Assert.Equal("invalid_grant", (await again.ReadAsync(HttpStatusCode.BadRequest)).Text("error"));

        // The session is in the database, so it survives a restart.
        await server.RestartAsync();
        var refreshed = await (await PostAsync(server, "/oauth/token", ("client_id", "updraft-cli"), ("grant_type", "refresh_token"),
            ("refresh_token", tokens.Text("refresh_token")))).ReadAsync(HttpStatusCode.OK);
        var client = server.ClientWith(refreshed.Text("access_token"));
        await client.GetOkAsync("/v1/users/self");
        using var revoked = await PostAsync(server, "/oauth/revoke", ("token", refreshed.Text("refresh_token")));
        using var refused = await client.GetAsync("/v1/users/self", Cancelled);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (revoked.StatusCode, refused.StatusCode));
    }

    [Fact]
    public async Task Code_without_its_verifier_and_cookie_for_the_API_are_rejected()
    {
        await using var provider = await IdentityProvider.StartAsync();
        await using var server = await StartAsync(provider);
        await using var callback = await CliCallback.StartAsync();
        var page = await browser.NewPageAsync();
        await SignInAsync(page, server, callback.Url);
        using var stolen = await ExchangeAsync(server, (await callback.Query)["code"], callback.Url, Verifier + "x");
        Assert.Equal(HttpStatusCode.BadRequest, stolen.StatusCode);

        // The login of the CLI is no session of the web UI.
        Assert.DoesNotContain(await page.Context.CookiesAsync(), cookie => cookie.Name == "updraft");
        await page.GotoAsync($"{server.BaseAddress}signin/provider?returnTo=/deployments");
        await FillAsync(page);
        await page.ArrivesAtAsync($"{server.BaseAddress}deployments");
        var cookie = (await page.Context.CookiesAsync()).Single(cookie => cookie.Name == "updraft");
        Assert.True(cookie.HttpOnly);
        Assert.Equal(SameSiteAttribute.Lax, cookie.SameSite);
        Assert.Equal(401, (await page.APIRequest.GetAsync($"{server.BaseAddress}v1/users/self")).Status);
    }

    [Fact]
    public async Task Link_of_a_login_gives_no_code_in_another_browser()
    {
        await using var provider = await IdentityProvider.StartAsync();
        await using var server = await StartAsync(provider);
        await using var callback = await CliCallback.StartAsync();
        var attacker = await browser.NewPageAsync();
        await attacker.GotoAsync(Authorize(server, callback.Url));
        await FillAsync(attacker);
        await attacker.ArrivesAtAsync($"{server.BaseAddress}authorize/confirm?");
        var victim = await browser.NewPageAsync();
        await victim.GotoAsync($"{server.BaseAddress}signin/provider?returnTo=/deployments");
        await FillAsync(victim);
        await victim.ArrivesAtAsync($"{server.BaseAddress}deployments");
        var response = await victim.GotoAsync(attacker.Url);
        Assert.Equal(400, response!.Status);
        Assert.False(callback.Query.IsCompleted);
    }

    [Fact]
    public async Task Sign_in_with_a_foreign_redirect_is_rejected_with_400()
    {
        await using var provider = await IdentityProvider.StartAsync();
        await using var server = await StartAsync(provider);
        var page = await browser.NewPageAsync();
        var response = await page.GotoAsync(Authorize(server, "https://evil.example/callback"));
        Assert.Equal(400, response!.Status);
        Assert.StartsWith(server.BaseAddress.ToString(), page.Url, StringComparison.Ordinal);
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("The login cannot begin");
    }

    [Fact]
    public async Task CLI_sign_in_without_a_provider_shows_the_alternative()
    {
        await using var server = await UpdraftServer.StartAsync();
        var page = await browser.NewPageAsync();
        await page.GotoAsync(Authorize(server, "http://localhost:12345/callback"));
        await Assertions.Expect(page.GetByText("astro login -t")).ToBeVisibleAsync();
        await Support.Browser.KeepAsync(page, "sign-in-not-set-up");
    }

    [Fact]
    public async Task User_signs_in_to_the_web_UI_and_signs_out()
    {
        await using var provider = await IdentityProvider.StartAsync();
        await using var server = await StartAsync(provider);
        var page = await browser.NewPageAsync();
        await page.GotoAsync($"{server.BaseAddress}members?offset=0");
        await page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Sign in with your organization" }).ClickAsync();
        await page.GetByLabel("Email").FillAsync(Email);
        await page.GetByLabel("Password").FillAsync(IdentityProvider.Password);
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Log in" }).ClickAsync();
        await page.ArrivesAtAsync($"{server.BaseAddress}members?offset=0");
        await Assertions.Expect(page.GetByText(Email)).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Sign out" }).ClickAsync();
        await page.GotoAsync($"{server.BaseAddress}deployments");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Sign in");
    }

    [Fact]
    public async Task Refresh_of_a_login_evaluates_the_claims_of_now()
    {
        await using var provider = await IdentityProvider.StartAsync();
        var clock = new MovedClock();
        await using var server = await StartAsync(provider, clock);
        provider.Groups = ["platform"];
        var tokens = await LogInAsync(server);
        Assert.Equal(HttpStatusCode.OK, await CreateWorkspaceAsync(server, tokens, "one"));

        provider.Groups = [];
        clock.Offset += TimeSpan.FromMinutes(2);
        tokens = await (await RefreshAsync(server, tokens)).ReadAsync(HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.Forbidden, await CreateWorkspaceAsync(server, tokens, "two"));

        provider.Groups = ["others", "platform"];
        clock.Offset += TimeSpan.FromMinutes(2);
        tokens = await (await RefreshAsync(server, tokens)).ReadAsync(HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.OK, await CreateWorkspaceAsync(server, tokens, "three"));

        // Without the provider, the roles stay.
        await provider.DisposeAsync();
        clock.Offset += TimeSpan.FromMinutes(2);
        tokens = await (await RefreshAsync(server, tokens)).ReadAsync(HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.OK, await CreateWorkspaceAsync(server, tokens, "four"));
    }

    [Fact]
    public async Task End_at_the_provider_ends_logins_and_sessions()
    {
        await using var provider = await IdentityProvider.StartAsync();
        var clock = new MovedClock();
        await using var server = await StartAsync(provider, clock);
        provider.Groups = ["platform"];
        var tokens = await LogInAsync(server);
        var page = await browser.NewPageAsync();
        await page.GotoAsync($"{server.BaseAddress}signin/provider?returnTo=/deployments");
        await FillAsync(page);
        await page.ArrivesAtAsync($"{server.BaseAddress}deployments");

        provider.RejectsRefreshes = true;
        clock.Offset += TimeSpan.FromMinutes(59);
        await page.GotoAsync($"{server.BaseAddress}deployments");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Deployments");
        clock.Offset += TimeSpan.FromMinutes(2);
        await page.GotoAsync($"{server.BaseAddress}deployments");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Sign in");

        using var refused = await RefreshAsync(server, tokens);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        var again = await LogInAsync(server);
        clock.Offset += TimeSpan.FromMinutes(2);
        using var rejected = await RefreshAsync(server, again);
        Assert.Equal("invalid_grant", (await rejected.ReadAsync(HttpStatusCode.BadRequest)).Text("error"));
        using var ended = await server.ClientWith(again.Text("access_token")).GetAsync("/v1/users/self", Cancelled);
        Assert.Equal(HttpStatusCode.Unauthorized, ended.StatusCode);
    }

    private async Task<JsonObject> LogInAsync(UpdraftServer server)
    {
        await using var callback = await CliCallback.StartAsync();
        await SignInAsync(await browser.NewPageAsync(), server, callback.Url);
        return await (await ExchangeAsync(server, (await callback.Query)["code"], callback.Url)).ReadAsync(HttpStatusCode.OK);
    }

    private static Task<HttpResponseMessage> RefreshAsync(UpdraftServer server, JsonObject tokens) => PostAsync(server, "/oauth/token",
        ("client_id", "updraft-cli"), ("grant_type", "refresh_token"), ("refresh_token", tokens.Text("refresh_token")));

    private static async Task<HttpStatusCode> CreateWorkspaceAsync(UpdraftServer server, JsonObject tokens, string name)
    {
        using var response = await server.ClientWith(tokens.Text("access_token")).PostAsync($"{server.OrganizationPath}/workspaces",
            JsonRequests.Json($$"""{"name":"{{name}}"}"""), Cancelled);
        return response.StatusCode;
    }

    private static Task<UpdraftServer> StartAsync(IdentityProvider provider, TimeProvider? clock = null) => UpdraftServer.StartAsync(
        clock, settings: new Dictionary<string, string>
    {
        ["SignIn:Roles:0:Claim"] = "groups",
        ["SignIn:Roles:0:Value"] = "platform",
        ["SignIn:Roles:0:Role"] = "ORGANIZATION_OWNER",
        ["SignIn:Authority"] = provider.Url,
        ["SignIn:ClientId"] = IdentityProvider.ClientId,
        ["SignIn:ClientSecret"] = IdentityProvider.ClientSecret,
        ["SignIn:FirstOwner"] = clock is null ? Email : "",
    });

    private static async Task SignInAsync(IPage page, UpdraftServer server, string callback)
    {
        await page.GotoAsync(Authorize(server, callback));
        await FillAsync(page);
        await Assertions.Expect(page.GetByText("updraft-cli")).ToBeVisibleAsync();
        await Support.Browser.KeepAsync(page, "confirm-login");
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Allow" }).ClickAsync();
        await page.ArrivesAtAsync(callback + "?");
    }

    private static async Task FillAsync(IPage page)
    {
        await page.GetByLabel("Email").FillAsync(Email);
        await page.GetByLabel("Password").FillAsync(IdentityProvider.Password);
        await Support.Browser.KeepAsync(page, "provider");
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Log in" }).ClickAsync();
    }

    private static string Authorize(UpdraftServer server, string callback)
    {
        var challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier)));
        return $"{server.BaseAddress}authorize?prompt=login&audience=updraft&client_id=updraft-cli"
            + $"&redirect_uri={Uri.EscapeDataString(callback)}"
            + "&scope=openid%20profile%20email%20offline_access&response_type=code&response_mode=query"
            + $"&code_challenge={challenge}&code_challenge_method=S256&state={Uri.EscapeDataString(State)}";
    }

    private static Task<HttpResponseMessage> ExchangeAsync(
        UpdraftServer server, string code, string callback, string verifier = Verifier) =>
        PostAsync(server, "/oauth/token", ("client_id", "updraft-cli"), ("grant_type", "authorization_code"), ("code", code),
            ("code_verifier", verifier), ("redirect_uri", callback));

    private static async Task<HttpResponseMessage> PostAsync(UpdraftServer server, string path, params (string Key, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Key, field.Value)));
        return await server.Anonymous.PostAsync(path, form, Cancelled);
    }
}
