using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.SignIn;
using Updraft.Server.Web;

namespace Updraft.Server.Tests.Web;

/// <summary>Sign-in and sign-out in the web UI, and the scope of the session cookie.</summary>
public sealed class SessionTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Request_without_a_session_redirects_to_sign_in_and_back()
    {
        using var visitor = new Visitor(Server);
        using var first = await visitor.GetAsync("/deployments?workspace=x");
        Assert.Equal((HttpStatusCode.Redirect, "/signin?returnTo=%2Fdeployments%3Fworkspace%3Dx"),
            (first.StatusCode, first.Headers.Location?.OriginalString));
        using var second = await visitor.SignInAsync(Server.OwnerToken, "/deployments?workspace=x");
        Assert.Equal((HttpStatusCode.Redirect, "/deployments?workspace=x"), (second.StatusCode, second.Headers.Location?.OriginalString));
        Assert.Contains("<h1>Deployments</h1>", await visitor.ReadAsync("/deployments"), StringComparison.Ordinal);
        using var root = await visitor.GetAsync("/");
        Assert.Equal("/deployments", root.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task Routes_outside_the_web_UI_reject_the_session_cookie_with_401()
    {
        using var visitor = await Visitor.SignedInAsync(Server);
        var cookies = visitor.Cookies.GetCookieHeader(Server.BaseAddress);
        var routes = Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.Metadata.GetMetadata<PageRoute>() is null && route.Metadata.GetMetadata<IAllowAnonymous>() is null)
            .ToList();
        Assert.True(routes.Count > 50);
        foreach (var route in routes)
        {
            var path = "/" + string.Join('/', route.RoutePattern.RawText!.Trim('/').Split('/')
                .Select(part => part == "{organizationId}" ? Server.OrganizationId : part.Trim('{', '}')));
            var method = route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0];
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            request.Headers.TryAddWithoutValidation("Cookie", cookies);
            using var response = await Server.Anonymous.SendAsync(request, Cancelled);
            Assert.True(response.StatusCode == HttpStatusCode.Unauthorized,
                $"{request.Method} {path} returned {(int)response.StatusCode} for a request with a cookie.");
        }
    }

    [Fact]
    public async Task Deleted_token_ends_its_session_immediately()
    {
        var token = await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", Server.WorkspaceId);
        using var visitor = await Visitor.SignedInAsync(Server, token);
        await visitor.ReadAsync("/deployments");
        using (await Server.Client.DeleteAsync($"{Server.OrganizationPath}/tokens/{Jwt.Claims(token).Text("sub")}", Cancelled))
        {
        }
        using var response = await visitor.GetAsync("/deployments");
        Assert.StartsWith("/signin", response.Headers.Location?.OriginalString, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sign_in_with_an_invalid_or_agent_token_is_rejected_with_400()
    {
        var agent = await Server.CreateAgentTokenAsync(await Server.CreateDeploymentAsync("for its agent"));
        string[] tokens = ["", "garbage", Server.OwnerToken[..^4] + "AAAA", agent, new string('x', 5000), "two words", "ünicode"];
        foreach (var token in tokens)
        {
            using var visitor = new Visitor(Server);
            using var response = await visitor.SignInAsync(token);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.DoesNotContain("updraft=", visitor.Cookies.GetCookieHeader(Server.BaseAddress), StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("catalog", "I14")]
    public async Task Cookies_are_http_only_same_site_and_with_TLS_secure()
    {
        var settings = new Dictionary<string, string> { ["PublicUrl"] = "https://updraft.example/below" };
        await using var secure = await UpdraftServer.StartAsync(settings: settings);
        await using var root = await UpdraftServer.StartAsync(
            settings: new Dictionary<string, string> { ["PublicUrl"] = "https://updraft.example" });
        (UpdraftServer, bool, string, string)[] servers =
            [(Server, false, "path=/;", ""), (secure, true, "path=/below/;", "__Secure-"), (root, true, "path=/;", "__Host-")];
        foreach (var (server, isSecure, path, prefix) in servers)
        {
            using var visitor = new Visitor(server);
            using var page = await visitor.GetAsync("/signin");
            var html = await page.Content.ReadAsStringAsync(Cancelled);
            var form = page.Headers.GetValues("Set-Cookie").Single(cookie => cookie.StartsWith(prefix + "updraft-form=", StringComparison.Ordinal));
            using var response = await visitor.PostAsync("/signin",
                [("token", server.OwnerToken), ("__RequestVerificationToken", Visitor.FormToken(html))], ("Cookie", form.Split(';')[0]));
            var session = response.Headers.GetValues("Set-Cookie")
                .Single(cookie => cookie.StartsWith(prefix + "updraft=", StringComparison.Ordinal));
            foreach (var cookie in (string[])[form, session])
            {
                Assert.Contains("; httponly", cookie, StringComparison.OrdinalIgnoreCase);
                Assert.Contains("; samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);
                Assert.Contains(path, cookie + ";", StringComparison.OrdinalIgnoreCase);
                Assert.Equal(isSecure, cookie.Contains("; secure", StringComparison.OrdinalIgnoreCase));
            }
            Assert.DoesNotContain(server.OwnerToken[10..60], session, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("catalog", "I14")]
    public async Task Cross_site_form_changes_nothing()
    {
        using var visitor = await Visitor.SignedInAsync(Server);
        var field = ("__RequestVerificationToken", Visitor.FormToken(await visitor.ReadAsync("/tokens")));
        using var other = await Visitor.SignedInAsync(Server, await Server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_OWNER"));
        var otherField = ("__RequestVerificationToken", Visitor.FormToken(await other.ReadAsync("/tokens")));
        (string, string)[] wanted = [("name", "forged"), ("place", Server.OrganizationId), ("role", "ORGANIZATION_OWNER")];
        foreach (var (fields, headers, status) in (((string, string)[], (string, string)[], HttpStatusCode)[])
            [
                (wanted, [], HttpStatusCode.BadRequest),
                ([.. wanted, ("__RequestVerificationToken", "forged")], [], HttpStatusCode.BadRequest),
                ([.. wanted, otherField], [], HttpStatusCode.BadRequest),
                ([.. wanted, field], [("Sec-Fetch-Site", "cross-site")], HttpStatusCode.Forbidden),
                ([.. wanted, field], [("Sec-Fetch-Site", "same-site")], HttpStatusCode.Forbidden),
                ([.. wanted, field], [("Sec-Fetch-Site", "none")], HttpStatusCode.Forbidden),
            ])
        {
            using var response = await visitor.PostAsync("/tokens", fields, headers);
            Assert.Equal(status, response.StatusCode);
        }
        var tokens = (await Server.Client.GetOkAsync($"{Server.OrganizationPath}/tokens?limit=1000")).ToJsonString();
        Assert.DoesNotContain("forged", tokens, StringComparison.Ordinal);
        using var good = await visitor.PostAsync("/tokens", [.. wanted, field], ("Sec-Fetch-Site", "same-origin"));
        Assert.Equal(HttpStatusCode.OK, good.StatusCode);
    }

    [Fact]
    [Trait("catalog", "I14")]
    public async Task Cross_site_form_does_not_sign_in_or_out()
    {
        using var visitor = new Visitor(Server);
        using var response = await visitor.PostAsync("/signin", [("token", Server.OwnerToken)]);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.DoesNotContain("updraft=", visitor.Cookies.GetCookieHeader(Server.BaseAddress), StringComparison.Ordinal);
        using var signedIn = await Visitor.SignedInAsync(Server);
        using var refused = await signedIn.PostAsync("/signout", []);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        await signedIn.ReadAsync("/deployments");
        using var left = await signedIn.SendFormAsync("/deployments", "/signout");
        using var after = await signedIn.GetAsync("/deployments");
        Assert.Equal((HttpStatusCode.Redirect, HttpStatusCode.Redirect), (left.StatusCode, after.StatusCode));
    }

    [Theory]
    [InlineData("/deployments/x?y=1#z", "/deployments/x?y=1#z")]
    [InlineData("//evil.example", "/")]
    [InlineData("///evil.example", "/")]
    [InlineData("/\\evil.example", "/")]
    [InlineData("\\\\evil.example", "/")]
    [InlineData("https://evil.example", "/")]
    [InlineData("http:evil.example", "/")]
    [InlineData("javascript:alert(1)", "/")]
    [InlineData("data:text/html,x", "/")]
    [InlineData("evil.example", "/")]
    [InlineData("@evil.example", "/")]
    [InlineData("/\t/evil.example", "/")]
    [InlineData("/\n/evil.example", "/")]
    [InlineData(" //evil.example", "/")]
    [InlineData("", "/")]
    [Trait("catalog", "I18")]
    public async Task Sign_in_redirects_only_to_this_server(string returnTo, string expected)
    {
        using var visitor = new Visitor(Server);
        using var response = await visitor.SignInAsync(Server.OwnerToken, returnTo);
        Assert.Equal(expected, response.Headers.Location?.OriginalString);
        Assert.Equal(expected, LoopbackUrl.OwnPath(returnTo));
    }

    [Fact]
    public async Task First_start_prints_the_URL_of_the_web_UI() =>
        Assert.Contains($"Web UI           {Server.BaseAddress}", await Task.FromResult(Server.ConsoleText), StringComparison.Ordinal);

    [Fact]
    public async Task Actions_without_permission_are_hidden_and_rejected_with_403()
    {
        var deployment = await Server.CreateDeploymentAsync("read only");
        var deploys = $"{Server.OrganizationPath}/deployments/{deployment}/deploys";
        var id = (await Server.Client.PostOkAsync(deploys, new JsonObject { ["type"] = "IMAGE_AND_DAG" })).Text("id");
        await Server.Client.PostOkAsync($"{deploys}/{id}/finalize", new JsonObject { ["dagTarballVersion"] = "" });
        using var member = await Visitor.SignedInAsync(Server,
            await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", Server.WorkspaceId));
        var page = await member.ReadAsync($"/deployments/{deployment}/deploys/{id}");
        Assert.DoesNotContain("/rollback", page, StringComparison.Ordinal);
        Assert.DoesNotContain("agent-tokens", page, StringComparison.Ordinal);
        Assert.DoesNotContain("/tokens", page, StringComparison.Ordinal);
        string[] paths =
            [$"/deployments/{deployment}/deploys/{id}/rollback", "/tokens", $"/deployments/{deployment}/agent-tokens", "/members"];
        foreach (var path in paths)
        {
            using var refused = await member.GetAsync(path);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            Assert.Contains("<h1>Permission denied</h1>", await refused.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        }
        Assert.DoesNotContain("<form method=\"post\" action=\"/deployments/", await member.ReadAsync($"/deployments/{deployment}/settings"),
            StringComparison.Ordinal);
    }
}
