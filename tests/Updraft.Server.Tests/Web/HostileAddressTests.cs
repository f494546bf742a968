using System.Net;
using System.Text.Json.Nodes;
using Updraft.Server.SignIn;
using Updraft.Server.Web;

namespace Updraft.Server.Tests.Web;

/// <summary>Hostile URLs: the API rejects them, the web UI does not render them as links, and no redirect leads to them.</summary>
[Trait("Database", "any")]
public sealed class HostileAddressTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("commitUrl")]
    [InlineData("authorUrl")]
    [Trait("catalog", "I12")]
    public async Task Unsafe_git_url_is_no_link_and_is_rejected_with_400(string field)
    {
        var deploys = $"{Server.OrganizationPath}/deployments/{(await PageSite.CreateAsync(Server)).Id}/deploys";
        string[] urls = [.. HostileAddresses.WithUnsafeScheme(), .. HostileAddresses.WithHiddenCharacters()];
        Assert.True(urls.Length > 900);
        foreach (var url in urls)
        {
            var git = new JsonObject
            {
                ["provider"] = "GENERIC",
                ["commitSha"] = "abc",
                ["remoteUrl"] = "git@git.example:shop/dags.git",
                [field] = url,
            };
            using var response = await Server.Client.PostAsync(deploys,
                JsonRequests.Json(new JsonObject { ["type"] = "DAG_ONLY", ["git"] = git }.ToJsonString()), Cancelled);
            Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{(int)response.StatusCode} for {Uri.EscapeDataString(url)}");
            Assert.True(PageLinks.External(url) is null, Uri.EscapeDataString(url));
        }
        Assert.Equal(0, (await Server.Client.GetOkAsync(deploys))["totalCount"]!.GetValue<int>());
    }

    [Fact]
    [Trait("catalog", "I13")]
    public async Task Picture_url_is_stored_only_if_safe_and_never_shown()
    {
        foreach (var (url, isStored) in ((string, bool)[])
            [
                ("https://pictures.example/ann.png", true), ("javascript:alert(1)", false),
                ("data:image/svg+xml,<svg onload=alert(1)>", false), (" https://pictures.example/ann.png", false),
                ("https://pictures.example/\tann.png", false), ("//pictures.example/ann.png", false),
            ])
        {
            var (id, _, _) = await Server.AddUserAsync("picture@example.org", ("picture", url));
            Assert.Equal(isStored ? url : "", (await Server.Client.GetOkAsync($"{Server.OrganizationPath}/users/{id}")).Text("avatarUrl"));
            using var visitor = await Visitor.SignedInAsync(Server);
            var members = await visitor.ReadAsync("/members");
            Assert.Contains("picture@example.org", members, StringComparison.Ordinal);
            Assert.DoesNotContain("pictures.example", members, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("catalog", "I18")]
    public void ReturnTo_with_another_host_becomes_a_local_path()
    {
        string[] urls = [.. HostileAddresses.OfOtherSites()];
        Assert.True(urls.Length > 400);
        foreach (var url in urls)
        {
            var own = LoopbackUrl.OwnPath(url);
            Assert.True(own is "/" or ['/', not ('/' or '\\'), ..] && !own.Any(c => char.IsControl(c) || c == '\\'),
                Uri.EscapeDataString(url));
            Assert.Equal(Server.BaseAddress.Authority, new Uri(Server.BaseAddress, own).Authority);
        }
    }

    [Fact]
    [Trait("catalog", "I18")]
    public async Task Sign_in_with_token_or_provider_redirects_only_to_local_paths()
    {
        foreach (var url in HostileAddresses.OfOtherSites().Where((_, index) => index % 9 == 0))
        {
            using var visitor = new Visitor(Server);
            using var signedIn = await visitor.SignInAsync(Server.OwnerToken, url);
            using var started = await visitor.GetAsync("/signin/provider?returnTo=" + Uri.EscapeDataString(url));
            Assert.Equal((HttpStatusCode.Redirect, HttpStatusCode.Redirect), (signedIn.StatusCode, started.StatusCode));
            foreach (var location in (string[])[signedIn.Headers.Location!.OriginalString, started.Headers.Location!.OriginalString])
                Assert.True(location is "/" or ['/', not ('/' or '\\'), ..], $"{Uri.EscapeDataString(url)} redirects to {location}");
        }
    }

    [Fact]
    [Trait("catalog", "I19")]
    public async Task File_with_any_name_downloads_as_an_attachment_with_that_name()
    {
        var site = await PageSite.CreateAsync(Server);
        string[] names =
        [
            "index.html", "picture.svg", "page.xhtml", "feed.xml", "script.js", "a \"quoted\" name.html", "half \"quoted.html",
            "semi;filename=evil.html",
            "it's.html", "per%0d%0acent.html", "%22.html",
            "gr\u00fc\u00df.html", "\u65e5\u672c.html", "\ud83d\ude80.html", "<b>.html", "=cmd.csv", ".hidden", "-rf", "~", "CON.html",
            "dot.", "space .html", new string('x', 200) + ".html",
        ];
        var (_, version) = await site.DeployAsync("names", [.. names.Select(name => ("dags/" + name, "<script>alert(1)</script>"))]);
        using var visitor = await Visitor.SignedInAsync(Server);
        foreach (var name in names)
        {
            var path = Uri.EscapeDataString("dags/" + name);
            using var page = await visitor.GetAsync($"{site.Page}/versions/{version}/download?path={path}");
            using var api = await Server.Client.GetAsync(
                $"/updraft{Server.OrganizationPath}/deployments/{site.Id}/versions/{version}/content?path={path}", Cancelled);
            foreach (var response in (HttpResponseMessage[])[page, api])
            {
                Assert.Equal((HttpStatusCode.OK, "application/octet-stream", "nosniff"), (response.StatusCode,
                    response.Content.Headers.ContentType?.ToString(), response.Headers.GetValues("X-Content-Type-Options").Single()));
                var disposition = response.Content.Headers.ContentDisposition!;
                Assert.Equal(("attachment", name), (disposition.DispositionType, disposition.FileNameStar));
                Assert.DoesNotMatch("[^ -~]", response.Content.Headers.GetValues("Content-Disposition").Single());
                Assert.Equal("<script>alert(1)</script>", await response.Content.ReadAsStringAsync(Cancelled));
            }
        }
    }
}
