using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.SignIn;
using Updraft.Server.Tests.Web;
using Updraft.Server.Users;

namespace Updraft.Server.Tests.SignIn;

/// <summary>The end of a login of a command-line client. A route of the test stands in for the redirect of the provider.</summary>
public sealed class ConfirmLoginTests
{
    private const string Callback = "http://127.0.0.1:21199/cb", Verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Login_link_gives_no_code_in_another_browser()
    {
        await using var server = await StartAsync();
        using var attacker = new Visitor(server);
        var link = await SignInAsync(server, attacker, "mallory@example.org");
        using var victim = await Visitor.SignedInAsync(server);
        using var page = await victim.GetAsync(link);
        using var forged = await victim.PostAsync("/authorize/confirm", [("answer", "allow"),
            ("request", Uri.UnescapeDataString(link.Split("request=")[1])),
            ("__RequestVerificationToken", Visitor.FormToken(await victim.ReadAsync("/tokens")))]);
        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (page.StatusCode, forged.StatusCode));
        Assert.DoesNotContain("code=", await page.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        using var old = await victim.GetAsync(link.Replace("/authorize/confirm", "/authorize/return", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.NotFound, old.StatusCode);
    }

    [Fact]
    public async Task Login_page_names_client_and_user_and_works_once()
    {
        await using var server = await StartAsync();
        using var browser = new Visitor(server);
        var link = await SignInAsync(server, browser, "ann@example.org");
        using var page = await browser.GetAsync(link);
        var html = await page.Content.ReadAsStringAsync(Cancelled);
        Assert.Contains("http://127.0.0.1:21199", html, StringComparison.Ordinal);
        Assert.Contains("ann@example.org", html, StringComparison.Ordinal);
        Assert.EndsWith("form-action 'self' http://127.0.0.1:21199", page.Headers.GetValues("Content-Security-Policy").Single(),
            StringComparison.Ordinal);
        (string, string)[] form = [("answer", "allow"), ("request", Uri.UnescapeDataString(link.Split("request=")[1])),
            ("__RequestVerificationToken", Visitor.FormToken(html))];
        using var confirmed = await browser.PostAsync("/authorize/confirm", form);
        var target = confirmed.Headers.Location!;
        Assert.StartsWith(Callback + "?code=", target.OriginalString, StringComparison.Ordinal);
        Assert.EndsWith("&state=s", target.OriginalString, StringComparison.Ordinal);
        using var again = await browser.PostAsync("/authorize/confirm", form);
        Assert.Equal(HttpStatusCode.BadRequest, again.StatusCode);
        var tokens = await ExchangeAsync(server, target);
        Assert.Equal("ann@example.org", (await server.ClientWith(tokens.Text("access_token")).GetOkAsync("/userinfo")).Text("email"));
    }

    [Fact]
    public async Task Canceled_login_returns_access_denied_to_the_client()
    {
        await using var server = await StartAsync();
        using var browser = new Visitor(server);
        var link = await SignInAsync(server, browser, "ann@example.org");
        using var canceled = await browser.SendFormAsync(link, "/authorize/confirm", ("answer", "cancel"),
            ("request", Uri.UnescapeDataString(link.Split("request=")[1])));
        Assert.Equal(Callback + "?error=access_denied&state=s", canceled.Headers.Location?.OriginalString);
    }

    private static Task<UpdraftServer> StartAsync() => UpdraftServer.StartAsync(addRoutes: app =>
        app.MapGet("/test/ticket-received", async (HttpContext context, string user, UpdraftDbContext db, ConfirmLogin confirm) =>
        {
            var id = new UserId(user);
            await confirm.BeginAsync(context, await db.Users.SingleAsync(row => row.Id == id), new(Callback, Challenge, "s"),
                context.RequestAborted);
        }).AllowAnonymous());

    private static async Task<string> SignInAsync(UpdraftServer server, Visitor browser, string email)
    {
        var (user, _, _) = await server.AddUserAsync(email);
        using var response = await browser.GetAsync("/test/ticket-received?user=" + user);
        return response.Headers.Location!.OriginalString;
    }

    private static async Task<System.Text.Json.Nodes.JsonObject> ExchangeAsync(UpdraftServer server, Uri target)
    {
        var code = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(target.Query)["code"].ToString();
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["client_id"] = "updraft-cli",
            ["grant_type"] = "authorization_code",
            ["code"] = code,
            ["code_verifier"] = Verifier,
            ["redirect_uri"] = Callback,
        });
        using var response = await server.Anonymous.PostAsync("/oauth/token", form, Cancelled);
        return await response.ReadAsync(HttpStatusCode.OK);
    }
}
