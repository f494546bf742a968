using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Web;

/// <summary>Content and forms of the web UI, without scripts.</summary>
public sealed class PageTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task List_shows_a_Deployment_with_its_last_deploy()
    {
        var site = await PageSite.CreateAsync(Server, "listed orders");
        using var visitor = await Visitor.SignedInAsync(Server);
        var before = await visitor.ReadAsync(site.Page);
        Assert.Contains("No deploys yet", before, StringComparison.Ordinal);
        await site.DeployAsync("Totals by region", ("dags/shop.py", "one\n"));
        var list = await visitor.ReadAsync("/deployments");
        Assert.Contains($"href=\"{site.Page}\">listed orders</a>", list, StringComparison.Ordinal);
        Assert.Contains("Totals by region", list, StringComparison.Ordinal);
        Assert.Contains("Totals by region", await visitor.ReadAsync(site.Page), StringComparison.Ordinal);
    }

    [Fact]
    public async Task History_filters_by_type_status_creator_and_text_with_paging()
    {
        var site = await PageSite.CreateAsync(Server);
        var git = new JsonObject
        {
            ["provider"] = "GITHUB",
            ["account"] = "shop",
            ["repo"] = "dags",
            ["commitSha"] = "0123456789abcdef",
            ["branch"] = "grün",
        };
        var (first, _) = await site.DeployAsync("100% of_it", git, ("dags/shop.py", "one\n"));
        for (var i = 0; i < 26; i++)
        {
            await Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments/{site.Id}/deploys",
                new JsonObject { ["type"] = "IMAGE_AND_DAG", ["description"] = $"open {i}" });
        }
        using var visitor = await Visitor.SignedInAsync(Server);
        foreach (var (query, count, hasFirst) in ((string, int, bool)[])
            [
                ("", 25, false), ("?below=3", 2, true), ("?type=DAG_ONLY", 1, true), ("?type=IMAGE_AND_DAG&text=open 2", 7, false),
                ("?status=Deployed", 1, true),
                ("?status=Failed", 0, false), ("?text=100%25 of_", 1, true), ("?text=100__of", 0, false), ("?text=abcdef", 1, true),
                ("?text=ABCDEF", 1, true), ("?text=GR%C3%BCN", 1, true), ("?text=gr%C3%BCn", 1, true),
                ("?person=owner&status=Deployed", 1, true), ("?person=nobody", 0, false), ($"?text={first}", 1, true),
            ])
        {
            var page = await visitor.ReadAsync(site.Page + query);
            Assert.True(count == Regex.Count(page, $"<th scope=\"row\"><a href=\"{site.Page}/deploys/"), $"{query}: {page}");
            Assert.Equal(hasFirst, page.Contains($"<th scope=\"row\"><a href=\"{site.Page}/deploys/{first}\"", StringComparison.Ordinal));
        }
        using var wrong = await visitor.GetAsync(site.Page + "?type=NONE");
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
    }

    [Fact]
    public async Task Deploy_page_shows_steps_and_changed_lines()
    {
        var site = await PageSite.CreateAsync(Server);
        var (first, version) = await site.DeployAsync("first",
            ("dags/shop.py", "alpha\nbeta\ngamma\n"), ("dags/old.py", "x\n"), ("dags/data.bin", "\0\u0001"));
        var git = new JsonObject
        {
            ["provider"] = "GITHUB",
            ["account"] = "shop",
            ["repo"] = "dags",
            ["commitSha"] = "0123456789abcdef",
            ["commitUrl"] = "https://git.example/shop/dags/commit/0123456789abcdef",
        };
        var (second, _) = await site.DeployAsync("second", git,
            ("dags/shop.py", "alpha\nBETA\ngamma\n"), ("dags/new.py", "y\n"), ("dags/data.bin", "\0\u0002"));
        using var visitor = await Visitor.SignedInAsync(Server);
        var page = await visitor.ReadAsync($"{site.Page}/deploys/{second}");
        string[] texts =
        [
            "<h1>second</h1>", "Uploaded", "Finalized", "1 added", "2 changed", "1 removed",
            "href=\"https://git.example/shop/dags/commit/0123456789abcdef\"",
        ];
        foreach (var text in texts)
            Assert.Contains(text, page, StringComparison.Ordinal);

        var diff = $"{site.Page}/deploys/{second}/diff";
        foreach (var view in (string[])["", "&view=split"])
        {
            var shop = await visitor.ReadAsync($"{diff}?bundle=dags&path=dags/shop.py{view}");
            Assert.Contains("<td class=\"removed\">- beta</td>", shop, StringComparison.Ordinal);
            Assert.Contains("<td class=\"added\">&#x2B; BETA</td>", shop, StringComparison.Ordinal);
            Assert.Equal(1, Regex.Count(shop, "<td class=\"added\">"));
        }
        Assert.Contains("The file is not text.", await visitor.ReadAsync($"{diff}?bundle=dags&path=dags/data.bin"),
            StringComparison.Ordinal);
        var back = await visitor.ReadAsync($"{site.Page}/deploys/{first}/diff?against={second}&bundle=dags&path=dags/shop.py");
        Assert.Contains("<td class=\"removed\">- BETA</td>", back, StringComparison.Ordinal);

        using var found = await visitor.GetAsync($"/deploys?version={version}");
        Assert.Equal($"{site.Page}/deploys/{first}", found.Headers.Location?.OriginalString);
        using var cli = await visitor.GetAsync($"/{Server.WorkspaceId}{site.Page}/overview");
        Assert.Equal(new Uri(Server.BaseAddress, site.Page), cli.Headers.Location);
    }

    [Fact]
    public async Task Rollback_page_shows_changes_and_creates_a_deploy()
    {
        var site = await PageSite.CreateAsync(Server);
        var (first, _) = await site.DeployAsync("good", ("dags/shop.py", "one\n"));
        await site.DeployAsync("bad", ("dags/shop.py", "two\n"));
        using var visitor = await Visitor.SignedInAsync(Server);
        var rollback = $"{site.Page}/deploys/{first}/rollback";
        Assert.Contains("1 changed", await visitor.ReadAsync(rollback), StringComparison.Ordinal);
        using var response = await visitor.SendFormAsync(rollback, rollback, ("description", "It does not parse"));
        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        var history = await site.HistoryAsync();
        Assert.Equal(3, history.Count);
        Assert.Equal(("It does not parse", first), ((string?)history[0]!["description"], (string?)history[0]!["rollbackFromId"]));
        Assert.Contains("<h1>It does not parse</h1>", await visitor.ReadAsync(response.Headers.Location!.OriginalString),
            StringComparison.Ordinal);
    }

    [Fact]
    [Trait("catalog", "I19")]
    public async Task File_is_shown_as_text_and_downloaded_as_an_attachment()
    {
        var site = await PageSite.CreateAsync(Server);
        const string name = "dags/a \"b\";é.html";
        var (_, version) = await site.DeployAsync("files", (name, "<script>alert(1)</script>\n"), ("dags/sub/x.py", "x\n"));
        using var visitor = await Visitor.SignedInAsync(Server);
        var files = $"{site.Page}/versions/{version}";
        Assert.Contains(">dags/</a>", await visitor.ReadAsync($"{files}/files"), StringComparison.Ordinal);
        Assert.Contains(">sub/</a>", await visitor.ReadAsync($"{files}/files?path=dags"), StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;",
            await visitor.ReadAsync($"{files}/files?path={Uri.EscapeDataString(name)}"), StringComparison.Ordinal);
        using var download = await visitor.GetAsync($"{files}/download?path={Uri.EscapeDataString(name)}");
        Assert.Equal("<script>alert(1)</script>\n", await download.Content.ReadAsStringAsync(Cancelled));
        Assert.Equal(("application/octet-stream", "attachment", "nosniff"), (download.Content.Headers.ContentType?.MediaType,
            download.Content.Headers.ContentDisposition?.DispositionType, download.Headers.GetValues("X-Content-Type-Options").Single()));
        Assert.Equal("a \"b\";é.html", download.Content.Headers.ContentDisposition?.FileNameStar);
        foreach (var path in (string[])["../keys/signing.pem", "dags", "nothing", ""])
        {
            using var none = await visitor.GetAsync($"{files}/download?path={path}");
            Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        }
    }

    [Fact]
    public async Task New_token_is_shown_once_and_can_be_rotated_and_revoked()
    {
        using var visitor = await Visitor.SignedInAsync(Server);
        using var created = await visitor.SendFormAsync("/tokens", "/tokens",
            ("name", "for CI"), ("place", Server.WorkspaceId), ("role", "WORKSPACE_AUTHOR"), ("days", "30"));
        var first = Secret(await created.Content.ReadAsStringAsync(Cancelled));
        await Server.ClientWith(first).GetOkAsync("/v1/users/self");
        Assert.DoesNotContain(first, await visitor.ReadAsync("/tokens"), StringComparison.Ordinal);
        var id = Jwt.Claims(first).Text("sub");
        using var rotated = await visitor.SendFormAsync("/tokens", $"/tokens/{id}/rotate");
        var second = Secret(await rotated.Content.ReadAsStringAsync(Cancelled));
        await Server.ClientWith(second).GetOkAsync("/v1/users/self");
        using var old = await Server.ClientWith(first).GetAsync("/v1/users/self", Cancelled);
        Assert.Equal(HttpStatusCode.Unauthorized, old.StatusCode);
        using var revoked = await visitor.SendFormAsync("/tokens", $"/tokens/{id}/revoke");
        using var gone = await Server.ClientWith(second).GetAsync("/v1/users/self", Cancelled);
        Assert.Equal((HttpStatusCode.Redirect, HttpStatusCode.Unauthorized), (revoked.StatusCode, gone.StatusCode));
    }

    [Fact]
    public async Task Forms_change_agent_tokens_roles_and_settings()
    {
        var site = await PageSite.CreateAsync(Server);
        var (user, _, _) = await Server.AddUserAsync("pages@example.org");
        using var visitor = await Visitor.SignedInAsync(Server);
        using var agent = await visitor.SendFormAsync($"{site.Page}/agent-tokens", $"{site.Page}/agent-tokens", ("name", "agents"));
        var token = Secret(await agent.Content.ReadAsStringAsync(Cancelled));
        using var revoked = await visitor.SendFormAsync($"{site.Page}/agent-tokens",
            $"{site.Page}/agent-tokens/{Jwt.Claims(token).Text("sub")}/revoke");
        Assert.Equal(HttpStatusCode.Redirect, revoked.StatusCode);

        using var role = await visitor.SendFormAsync("/members", $"/members/{user}/role", ("role", "ORGANIZATION_OWNER"));
        var changed = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/users/{user}");
        Assert.Equal("ORGANIZATION_OWNER", changed.Text("organizationRole"));

        using var settings = await visitor.SendFormAsync($"{site.Page}/settings", $"{site.Page}/settings",
            ("name", $"renamed {site.Id}"), ("description", "new"), ("dagDeploys", "true"), ("cicd", "true"));
        var deployment = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/deployments/{site.Id}");
        Assert.Equal(($"renamed {site.Id}", "new", true, true),
            (deployment.Text("name"), deployment.Text("description"), (bool)deployment["isDagDeployEnabled"]!,
                (bool)deployment["isCicdEnforced"]!));
        using var empty = await visitor.SendFormAsync($"{site.Page}/settings", $"{site.Page}/settings", ("name", ""));
        Assert.Equal(HttpStatusCode.BadRequest, empty.StatusCode);
    }

    [Fact]
    public async Task Event_stream_sends_an_event_for_each_change()
    {
        var site = await PageSite.CreateAsync(Server);
        using var visitor = await Visitor.SignedInAsync(Server);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{site.Page}/events");
        request.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        using var response = await visitor.SendAsync(request);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancelled));
        await NextAsync(reader);
        await site.DeployAsync("told", ("dags/shop.py", "one\n"));
        await NextAsync(reader);
        using var plain = await visitor.GetAsync($"{site.Page}/events");
        Assert.Equal(HttpStatusCode.NotAcceptable, plain.StatusCode);
    }

    private static async Task NextAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync(Cancelled).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Cancelled) != "event: change")
        {
        }
    }

    private static string Secret(string html) => Regex.Match(html, "aria-label=\"Token value\"[^>]*>([^<]+)</textarea>").Groups[1].Value;
}
