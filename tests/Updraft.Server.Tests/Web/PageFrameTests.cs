using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Web;

namespace Updraft.Server.Tests.Web;

/// <summary>Common rules of all pages: security headers, errors, URLs, and texts of users.</summary>
[Trait("Database", "any")]
public sealed class PageFrameTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Policy = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("catalog", "I13")]
    public async Task Every_page_has_security_headers_and_no_inline_code()
    {
        var site = await PageSite.CreateAsync(Server);
        var (deploy, version) = await site.DeployAsync("one", ("dags/a.py", "a\n"));
        var bundles = (await Server.Client.GetOkAsync($"{Server.OrganizationPath}/deployments/{site.Id}/bundles"))["bundles"]!;
        var bundle = bundles[0]!.AsObject().Text("id");
        await Server.AddUserAsync("frame@example.org", ("picture", "https://pictures.example/ann.png"));
        using var visitor = await Visitor.SignedInAsync(Server);
        string[] pages =
        [
            "/deployments", site.Page, $"{site.Page}/deploys/{deploy}", $"{site.Page}/deploys/{deploy}/diff",
            $"{site.Page}/deploys/{deploy}/rollback",
            $"{site.Page}/bundles", $"{site.Page}/bundles/{bundle}", $"{site.Page}/versions/{version}/files",
            $"{site.Page}/versions/{version}/files?path=dags/a.py",
            $"{site.Page}/agent-tokens", $"{site.Page}/settings", "/tokens", "/members", "/signin", "/nothing", "/deployments/nothing",
        ];
        foreach (var path in pages)
        {
            using var response = await visitor.GetAsync(path);
            var html = await response.Content.ReadAsStringAsync(Cancelled);
            Assert.Equal(Policy, response.Headers.GetValues("Content-Security-Policy").Single());
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal("same-origin", response.Headers.GetValues("Referrer-Policy").Single());
            Assert.Equal("DENY", response.Headers.GetValues("X-Frame-Options").Single());
            Assert.True(response.Headers.CacheControl?.NoStore, path);
            Assert.DoesNotMatch(" (style|on[a-z]+)=\"", html);
            Assert.DoesNotContain("<style", html, StringComparison.Ordinal);
            Assert.DoesNotMatch("<script(?![^>]* src=\"/assets/)", html);
            Assert.DoesNotMatch("(src|href)=\"(?!/)", Regex.Replace(html, "href=\"#[a-z]+\"", ""));
            Assert.True(html.Length < 300_000, $"{path} has {html.Length} characters.");
        }
    }

    [Theory]
    [InlineData("/nothing", 404, "Not found")]
    [InlineData("/deployments/unknown", 404, "Not found")]
    [InlineData("/deployments?offset=x", 200, "Deployments")]
    public async Task Browser_gets_errors_as_html(string path, int status, string heading)
    {
        using var visitor = await Visitor.SignedInAsync(Server);
        using var response = await visitor.GetAsync(path);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains($"<h1>{heading}</h1>", await response.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_path_below_an_API_route_gets_a_JSON_error()
    {
        var segments = Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.Metadata.GetMetadata<PageRoute>() is null)
            .Select(route => route.RoutePattern.RawText!.Trim('/').Split('/')[0]).ToHashSet(StringComparer.Ordinal);
        Assert.DoesNotContain(segments, segment => segment.Contains('{', StringComparison.Ordinal));
        string[] expected =
        [
            "v1", "v1alpha1", "platform", "labs", "iam", "agent", "updraft", "uploads", "registry", "oauth", "private", "openapi", "spec",
            "healthz",
        ];
        Assert.Empty(expected.Except(segments));
        using var visitor = new Visitor(Server);
        foreach (var segment in segments)
        {
            foreach (var path in (string[])[$"/{segment}/no/such/route", $"/{segment.ToUpperInvariant()}/no/such/route"])
            {
                using var response = await visitor.GetAsync(path);
                Assert.True(response.StatusCode >= HttpStatusCode.BadRequest, $"{path} returned {(int)response.StatusCode}.");
                Assert.True(response.Content.Headers.ContentType?.MediaType != "text/html", $"{path} returned HTML.");
            }
        }
    }

    [Theory]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("\"><img src=x onerror=alert(1)>")]
    [InlineData("' onmouseover='alert(1)")]
    [InlineData("</title><svg onload=alert(1)>")]
    [InlineData("{{constructor.constructor('alert(1)')()}}")]
    [Trait("catalog", "I12")]
    public async Task User_text_is_shown_as_text(string text)
    {
        var site = await PageSite.CreateAsync(Server);
        await site.DeployAsync("before", ("dags/a.py", "a\n"));
        var git = new JsonObject
        {
            ["provider"] = "GENERIC",
            ["commitSha"] = text,
            ["remoteUrl"] = text,
            ["branch"] = text,
            ["path"] = text,
            ["authorName"] = text,
            ["authorUsername"] = text,
        };
        var name = $"dags/{text.Replace("/", "_", StringComparison.Ordinal)}.py";
        var (deploy, version) = await site.DeployAsync(text, git, (name, text));
        using var visitor = await Visitor.SignedInAsync(Server);
        string[] paths =
        [
            "/deployments", site.Page, $"{site.Page}?text={Uri.EscapeDataString(text)}", $"{site.Page}/deploys/{deploy}",
            $"{site.Page}/deploys/{deploy}/diff?path={Uri.EscapeDataString(name)}", $"{site.Page}/deploys/{deploy}/rollback",
            $"{site.Page}/versions/{version}/files?path={Uri.EscapeDataString(name)}", $"/nothing/{Uri.EscapeDataString(text)}",
        ];
        foreach (var path in paths)
        {
            using var response = await visitor.GetAsync(path);
            var html = await response.Content.ReadAsStringAsync(Cancelled);
            Assert.DoesNotContain(text.Contains('<', StringComparison.Ordinal) ? text : "='" + "alert(1)", html, StringComparison.Ordinal);
            Assert.DoesNotMatch("<(img|svg) [^>]*on[a-z]+=", html);
        }
    }

    [Theory]
    [InlineData("https://git.example/c?a=b&c=d", true)]
    [InlineData("http://git.example/", true)]
    [InlineData("javascript:alert(1)", false)]
    [InlineData("JaVaScRiPt:alert(1)", false)]
    [InlineData("java\tscript:alert(1)", false)]
    [InlineData(" javascript:alert(1)", false)]
    [InlineData("data:text/html,<script>", false)]
    [InlineData("vbscript:x", false)]
    [InlineData("//evil.example", false)]
    [InlineData("/path", false)]
    [InlineData("https://user:secret@evil.example", false)]
    [InlineData("https:// evil.example", false)]
    [InlineData("ftp://git.example", false)]
    [InlineData("file:///etc/passwd", false)]
    [InlineData("", false)]
    [Trait("catalog", "I12")]
    public void Url_is_a_link_only_if_it_is_safe(string url, bool isLink) => Assert.Equal(isLink, PageLinks.External(url) is not null);

    [Theory]
    [InlineData("null")]
    [InlineData("https://evil.example")]
    [InlineData("http://127.0.0.1.evil.example")]
    [InlineData("http://evil127.0.0.1")]
    [InlineData("http://127.0.0.1")]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("https://127.0.0.1:PORT")]
    [InlineData("http://127.0.0.1:PORT@evil.example")]
    [InlineData("http://127.0.0.1:PORT.evil.example")]
    [InlineData("http://127.0.0.1:PORT http://evil.example")]
    [InlineData("file://")]
    [InlineData("*")]
    [Trait("catalog", "I15")]
    public async Task Other_origins_get_no_CORS_headers(string origin)
    {
        origin = origin.Replace("PORT", $"{Server.BaseAddress.Port}", StringComparison.Ordinal);
        string[] paths =
        [
            "/deployments", "/v1/organizations", "/openapi/v1.json", "/assets/0/live.js", "/updraft/v1/organizations", "/registry/token",
            "/agent/v1/state",
        ];
        foreach (var path in paths)
        {
            foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Options])
            {
                using var request = new HttpRequestMessage(method, path);
                request.Headers.TryAddWithoutValidation("Origin", origin);
                request.Headers.TryAddWithoutValidation("Access-Control-Request-Method", "POST");
                request.Headers.TryAddWithoutValidation("Access-Control-Request-Headers", "authorization");
                using var response = await Server.Client.SendAsync(request, Cancelled);
                Assert.DoesNotContain(response.Headers,
                    header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
            }
        }
    }

    [Theory]
    [InlineData("Host", "evil.example")]
    [InlineData("X-Forwarded-Host", "evil.example")]
    [InlineData("X-Forwarded-Proto", "gopher")]
    [InlineData("X-Forwarded-Prefix", "/evil.example")]
    [InlineData("X-Original-URL", "/evil.example")]
    [InlineData("Forwarded", "host=evil.example;proto=https")]
    [InlineData("X-Forwarded-Server", "evil.example")]
    [InlineData("X-Forwarded-Port", "666")]
    [InlineData("X-Forwarded-PathBase", "/evil.example")]
    [InlineData("X-Host", "evil.example")]
    [InlineData("X-HTTP-Host-Override", "evil.example")]
    [InlineData("X-Original-Host", "evil.example")]
    [InlineData("X-Rewrite-URL", "/evil.example")]
    [InlineData("Host", "127.0.0.1.evil.example")]
    [Trait("catalog", "I16")]
    public async Task Request_headers_do_not_change_URLs(string name, string value)
    {
        var site = await PageSite.CreateAsync(Server);
        using var visitor = await Visitor.SignedInAsync(Server);
        foreach (var path in (string[])["/", "/deployments", site.Page, $"/{Server.WorkspaceId}{site.Page}"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.TryAddWithoutValidation(name, value);
            using var response = await visitor.SendAsync(request);
            Assert.DoesNotContain("evil", response.Headers.Location?.OriginalString ?? "", StringComparison.Ordinal);
            Assert.DoesNotContain("evil", await response.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        }
        using (var anonymous = new Visitor(Server))
        using (var request = new HttpRequestMessage(HttpMethod.Get, site.Page))
        {
            request.Headers.TryAddWithoutValidation(name, value);
            using var redirect = await anonymous.SendAsync(request);
            Assert.StartsWith("/signin?", redirect.Headers.Location?.OriginalString, StringComparison.Ordinal);
        }
        using var create = new HttpRequestMessage(HttpMethod.Post, $"{Server.OrganizationPath}/deployments/{site.Id}/deploys")
        {
            Content = JsonRequests.Json("""{"type":"DAG_ONLY"}"""),
        };
        create.Headers.TryAddWithoutValidation(name, value);
        using var created = await Server.Client.SendAsync(create, Cancelled);
        var uploadUrl = (await created.ReadAsync(HttpStatusCode.OK)).Text("dagsUploadUrl");
        Assert.StartsWith(Server.BaseAddress.ToString(), uploadUrl, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Web_UI_works_below_a_path_that_a_proxy_keeps_or_strips()
    {
        var settings = new Dictionary<string, string> { ["PublicUrl"] = "http://updraft.example/tools/updraft/" };
        await using var server = await UpdraftServer.StartAsync(settings: settings);
        foreach (var prefix in (string[])["/", "/tools/updraft/"])
        {
            // The cookie is valid for the public path only. Without a proxy, the test sends it itself.
            using var visitor = new Visitor(server, prefix);
            using var redirect = await visitor.GetAsync("deployments");
            Assert.Equal("/tools/updraft/signin?returnTo=%2Fdeployments", redirect.Headers.Location?.OriginalString);
            using var page = await visitor.GetAsync("signin");
            var html = await page.Content.ReadAsStringAsync(Cancelled);
            Assert.DoesNotMatch("(src|href|action)=\"/(?!tools/updraft/)", html);
            var cookies = page.Headers.GetValues("Set-Cookie").Select(cookie => cookie.Split(';')[0]).ToList();
            (string, string)[] fields =
                [("token", server.OwnerToken), ("returnTo", "/tokens"), ("__RequestVerificationToken", Visitor.FormToken(html))];
            using var signedIn = await visitor.PostAsync("signin", fields, ("Cookie", string.Join("; ", cookies)));
            Assert.Equal("/tools/updraft/tokens", signedIn.Headers.Location?.OriginalString);
            cookies.AddRange(signedIn.Headers.GetValues("Set-Cookie").Select(cookie => cookie.Split(';')[0]));
            using var request = new HttpRequestMessage(HttpMethod.Get, "deployments?offset=0");
            request.Headers.TryAddWithoutValidation("Cookie", string.Join("; ", cookies));
            using var list = await visitor.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, list.StatusCode);
            Assert.DoesNotMatch("(src|href|action|data-live-from)=\"/(?!tools/updraft/)", await list.Content.ReadAsStringAsync(Cancelled));
            using var asset = await visitor.GetAsync(Regex.Match(html, "/assets/[0-9a-f]+/updraft.css").Value.TrimStart('/'));
            Assert.Equal((HttpStatusCode.OK, "text/css"), (asset.StatusCode, asset.Content.Headers.ContentType?.MediaType));
        }
    }
}
