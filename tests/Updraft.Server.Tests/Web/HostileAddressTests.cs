using System.Net;
using System.Text.Json.Nodes;
using Updraft.Server.SignIn;
using Updraft.Server.Web;

namespace Updraft.Server.Tests.Web;

/// <summary>Addresses from outside: refused when they are written, no links when they are shown, and never followed.</summary>
public sealed class HostileAddressTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("commitUrl")]
    [InlineData("authorUrl")]
    public async Task I12_an_address_that_a_browser_would_run_is_refused_when_it_is_written_and_no_link_when_it_is_shown(string field)
    {
        var deploys = $"{Server.OrganizationPath}/deployments/{(await PageSite.CreateAsync(Server)).Id}/deploys";
        string[] addresses = [.. HostileAddresses.ThatRun(), .. HostileAddresses.OfTheWebInDisguise()];
        Assert.True(addresses.Length > 900);
        foreach (var address in addresses)
        {
            var git = new JsonObject { ["provider"] = "GENERIC", ["commitSha"] = "abc", ["remoteUrl"] = "git@git.example:shop/dags.git", [field] = address };
            using var response = await Server.Client.PostAsync(deploys,
                JsonRequests.Json(new JsonObject { ["type"] = "DAG_ONLY", ["git"] = git }.ToJsonString()), Cancelled);
            Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{(int)response.StatusCode} for {Uri.EscapeDataString(address)}");
            Assert.True(PageLinks.Outside(address) is null, Uri.EscapeDataString(address));
        }
        Assert.Equal(0, (await Server.Client.GetOkAsync(deploys))["totalCount"]!.GetValue<int>());
    }

    [Fact]
    public async Task I13_a_picture_is_kept_only_as_an_address_of_the_web_and_shown_on_no_page()
    {
        foreach (var (address, isKept) in ((string, bool)[])
            [
                ("https://pictures.example/ann.png", true), ("javascript:alert(1)", false), ("data:image/svg+xml,<svg onload=alert(1)>", false),
                (" https://pictures.example/ann.png", false), ("https://pictures.example/\tann.png", false), ("//pictures.example/ann.png", false),
            ])
        {
            var (id, _, _) = await Server.AddUserAsync("picture@example.org", ("picture", address));
            Assert.Equal(isKept ? address : "", (await Server.Client.GetOkAsync($"{Server.OrganizationPath}/users/{id}")).Text("avatarUrl"));
            using var visitor = await Visitor.SignedInAsync(Server);
            var members = await visitor.ReadAsync("/members");
            Assert.Contains("picture@example.org", members, StringComparison.Ordinal);
            Assert.DoesNotContain("pictures.example", members, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void I18_no_spelling_of_another_site_is_taken_for_a_path_of_this_one()
    {
        string[] addresses = [.. HostileAddresses.OfOtherSites()];
        Assert.True(addresses.Length > 400);
        foreach (var address in addresses)
        {
            var own = LoopbackUrl.OwnPath(address);
            Assert.True(own is "/" or ['/', not ('/' or '\\'), ..] && !own.Any(c => char.IsControl(c) || c == '\\'), Uri.EscapeDataString(address));
            Assert.Equal(Server.BaseAddress.Authority, new Uri(Server.BaseAddress, own).Authority);
        }
    }

    [Fact]
    public async Task I18_a_sign_in_and_its_beginning_at_the_provider_lead_to_paths_of_this_server()
    {
        foreach (var address in HostileAddresses.OfOtherSites().Where((_, index) => index % 9 == 0))
        {
            using var visitor = new Visitor(Server);
            using var signedIn = await visitor.SignInAsync(Server.OwnerToken, address);
            using var begun = await visitor.GetAsync("/signin/provider?returnTo=" + Uri.EscapeDataString(address));
            Assert.Equal((HttpStatusCode.Redirect, HttpStatusCode.Redirect), (signedIn.StatusCode, begun.StatusCode));
            foreach (var location in (string[])[signedIn.Headers.Location!.OriginalString, begun.Headers.Location!.OriginalString])
                Assert.True(location is "/" or ['/', not ('/' or '\\'), ..], $"{Uri.EscapeDataString(address)} leads to {location}");
        }
    }

    [Fact]
    public async Task I19_a_file_of_any_name_is_downloaded_as_bytes_under_that_name()
    {
        var site = await PageSite.CreateAsync(Server);
        string[] names =
        [
            "index.html", "picture.svg", "page.xhtml", "feed.xml", "script.js", "a \"quoted\" name.html", "half \"quoted.html", "semi;filename=evil.html",
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
            using var api = await Server.Client.GetAsync($"/updraft{Server.OrganizationPath}/deployments/{site.Id}/versions/{version}/content?path={path}", Cancelled);
            foreach (var response in (HttpResponseMessage[])[page, api])
            {
                Assert.Equal((HttpStatusCode.OK, "application/octet-stream", "nosniff"), (response.StatusCode, response.Content.Headers.ContentType?.ToString(),
                    response.Headers.GetValues("X-Content-Type-Options").Single()));
                var disposition = response.Content.Headers.ContentDisposition!;
                Assert.Equal(("attachment", name), (disposition.DispositionType, disposition.FileNameStar));
                Assert.DoesNotMatch("[^ -~]", response.Content.Headers.GetValues("Content-Disposition").Single());
                Assert.Equal("<script>alert(1)</script>", await response.Content.ReadAsStringAsync(Cancelled));
            }
        }
    }
}
