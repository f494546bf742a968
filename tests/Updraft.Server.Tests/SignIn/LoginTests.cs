using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Updraft.Server.SignIn;

namespace Updraft.Server.Tests.SignIn;

public sealed class LoginTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("catalog", "Trap 23")]
    public async Task Auth_config_names_the_login_URL_with_a_trailing_slash()
    {
        var config = await Server.Anonymous.GetOkAsync("/private/v1alpha1/cli/auth-config");
        Assert.Equal(Server.BaseAddress.ToString(), config.Text("domainUrl"));
        Assert.EndsWith("/", config.Text("domainUrl"), StringComparison.Ordinal);
        Assert.Equal(("updraft-cli", "updraft"), (config.Text("clientId"), config.Text("audience")));
    }

    [Fact]
    public async Task Authorize_without_a_provider_shows_the_next_step()
    {
        using var response = await Server.Anonymous.GetAsync("/authorize?client_id=updraft-cli", Cancelled);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains("astro login -t", await response.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("catalog", "Trap 13")]
    public async Task Only_API_tokens_have_the_permissions_claim()
    {
        var (_, access, _) = await Server.AddUserAsync("trap13@example.org");
        Assert.Null(Jwt.Claims(access)["permissions"]);
        Assert.NotNull(Jwt.Claims(access)["exp"]);
        Assert.NotNull(Jwt.Claims(Server.OwnerToken)["permissions"]);
    }

    [Fact]
    public async Task Userinfo_has_an_email_for_every_token()
    {
        var (_, access, _) = await Server.AddUserAsync("described@example.org");
        Assert.Equal("described@example.org", (await Server.ClientWith(access).GetOkAsync("/userinfo")).Text("email"));
        Assert.NotEmpty((await Server.Client.GetOkAsync("/userinfo")).Text("email"));
    }

    [Fact]
    public async Task Refresh_token_works_until_its_successor_is_used()
    {
        var (_, _, refresh) = await Server.AddUserAsync("repeat@example.org");
        var successors = new HashSet<string>();
        for (var i = 0; i < 3; i++)
        {
            var tokens = await (await RefreshAsync(refresh)).ReadAsync(HttpStatusCode.OK);
            await Server.ClientWith(tokens.Text("access_token")).GetOkAsync("/v1/users/self");
            successors.Add(tokens.Text("refresh_token"));
        }
        var third = await (await RefreshAsync(Assert.Single(successors))).ReadAsync(HttpStatusCode.OK);
        Assert.NotEqual(refresh, third.Text("refresh_token"));
    }

    [Fact]
    public async Task Use_of_a_refresh_token_after_its_successor_revokes_the_login()
    {
        var (_, access, refresh) = await Server.AddUserAsync("refresh@example.org");
        var second = await (await RefreshAsync(refresh)).ReadAsync(HttpStatusCode.OK);
        var third = await (await RefreshAsync(second.Text("refresh_token"))).ReadAsync(HttpStatusCode.OK);
        Assert.Equal("invalid_grant", (await (await RefreshAsync(refresh)).ReadAsync(HttpStatusCode.BadRequest)).Text("error"));
        Assert.Equal(HttpStatusCode.BadRequest, (await RefreshAsync(third.Text("refresh_token"))).StatusCode);
        foreach (var token in (string[])[access, second.Text("access_token"), third.Text("access_token")])
        {
            using var rejected = await Server.ClientWith(token).GetAsync("/v1/users/self", Cancelled);
            Assert.Equal(HttpStatusCode.Unauthorized, rejected.StatusCode);
        }
    }

    [Fact]
    public async Task Refresh_token_that_the_server_did_not_issue_is_rejected()
    {
        var (_, access, refresh) = await Server.AddUserAsync("forged@example.org");
        Assert.Equal(HttpStatusCode.BadRequest, (await RefreshAsync(refresh + "x")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await RefreshAsync("x")).StatusCode);
        await Server.ClientWith(access).GetOkAsync("/v1/users/self");
    }

    [Fact]
    public async Task Revoked_login_is_rejected_on_the_next_request()
    {
        var (_, access, refresh) = await Server.AddUserAsync("revoke@example.org");
        await Server.ClientWith(access).GetOkAsync("/v1/users/self");
        using var revoked = await PostAsync("/oauth/revoke", ("token", refresh));
        using var rejected = await Server.ClientWith(access).GetAsync("/v1/users/self", Cancelled);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (revoked.StatusCode, rejected.StatusCode));
    }

    [Fact]
    public async Task Access_token_expires_after_an_hour_and_idle_login_after_seven_days()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var server = await UpdraftServer.StartAsync(clock);
        var (_, access, refresh) = await server.AddUserAsync("hour@example.org");
        var client = server.ClientWith(access);
        await client.GetOkAsync("/v1/users/self");
        clock.Advance(TimeSpan.FromHours(1));
        using var rejected = await client.GetAsync("/v1/users/self", Cancelled);
        clock.Advance(TimeSpan.FromDays(7));
        using var form = Form(("client_id", "updraft-cli"), ("grant_type", "refresh_token"), ("refresh_token", refresh));
        using var late = await server.Anonymous.PostAsync("/oauth/token", form, Cancelled);
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.BadRequest), (rejected.StatusCode, late.StatusCode));
    }

    [Fact]
    public async Task Authorization_code_is_valid_once_and_only_with_its_verifier()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var server = await UpdraftServer.StartAsync(clock);
        await using var scope = server.Services.CreateAsyncScope();
        var codes = scope.ServiceProvider.GetRequiredService<AuthorizationCodes>();
        var request = new AuthorizationRequest("http://127.0.0.1:1/c", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", null);
        const string Verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        Task<string> IssueAsync() => codes.IssueAsync(new("u"), request, Cancelled);
        var used = await IssueAsync();
        Assert.Equal("u", (await codes.RedeemAsync(used, Verifier, request.RedirectUri, Cancelled))!.Value.Value);
        Assert.Null(await codes.RedeemAsync(used, Verifier, request.RedirectUri, Cancelled));
        Assert.Null(await codes.RedeemAsync(await IssueAsync(), Verifier + "x", request.RedirectUri, Cancelled));
        Assert.Null(await codes.RedeemAsync(await IssueAsync(), Verifier, "http://127.0.0.1:2/c", Cancelled));
        var late = await IssueAsync();
        clock.Advance(AuthorizationCodes.Lifetime);
        Assert.Null(await codes.RedeemAsync(late, Verifier, request.RedirectUri, Cancelled));
    }

    [Theory]
    [InlineData("http://localhost:12345/callback", true)]
    [InlineData("http://127.0.0.1:40123/callback", true)]
    [InlineData("http://localhost:12346/callback", false)]
    [InlineData("http://localhost.evil.example:12345/callback", false)]
    [InlineData("http://127.0.0.1.evil.example/callback", false)]
    [InlineData("http://127.0.0.1@evil.example/callback", false)]
    [InlineData("http://127.0.0.1:80@evil.example/", false)]
    [InlineData("http://127.0.0.1\\@evil.example/", false)]
    [InlineData("https://127.0.0.1/callback", false)]
    [InlineData("http://127.0.0.1:1/c#f", false)]
    [InlineData("javascript:alert(1)", false)]
    [InlineData("", false)]
    public void Redirect_URL_must_be_on_the_host_of_the_browser(string url, bool isAllowed) =>
        Assert.Equal(isAllowed, LoopbackUrl.IsAllowed(url));

    [Theory]
    [InlineData("/deployments?x=1", "/deployments?x=1")]
    [InlineData("//evil.example", "/")]
    [InlineData("/\\evil.example", "/")]
    [InlineData("/\t/evil.example", "/")]
    [InlineData("https://evil.example", "/")]
    [InlineData("javascript:alert(1)", "/")]
    [InlineData("evil", "/")]
    [InlineData("", "/")]
    [InlineData(null, "/")]
    [Trait("catalog", "I18")]
    public void Login_redirects_only_to_paths_of_this_server(string? path, string expected) =>
        Assert.Equal(expected, LoopbackUrl.OwnPath(path));

    private Task<HttpResponseMessage> RefreshAsync(string token) =>
        PostAsync("/oauth/token", ("client_id", "updraft-cli"), ("grant_type", "refresh_token"), ("refresh_token", token));

    private async Task<HttpResponseMessage> PostAsync(string path, params (string Key, string Value)[] fields)
    {
        using var form = Form(fields);
        return await Server.Anonymous.PostAsync(path, form, Cancelled);
    }

    private static FormUrlEncodedContent Form(params (string Key, string Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Key, field.Value)));
}
