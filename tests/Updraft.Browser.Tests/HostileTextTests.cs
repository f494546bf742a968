using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Playwright;
using Updraft.Browser.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Browser.Tests;

/// <summary>
/// Hostile texts in every field that a client can set, rendered in a real browser. The content security policy would block most scripts, so
/// the tests check more: no text adds an element or an attribute to a page.
/// </summary>
[Trait("Runs", "ci")] // Opens all pages for many texts, which takes minutes.
public sealed class HostileTextTests(Support.Browser browser) : IClassFixture<Support.Browser>
{
    private const int TextsPerField = 6, MaxDescription = 500, MaxName = 255;

    // All elements that the web UI renders. Any other element comes from a text.
    private const string FindInjected = """
        () => {
          const known = new Set(("html head meta title link script body a header img nav div button span form input main section h1 h2 h3 "
            + "p code pre dl dt dd table caption thead tbody tr th td time details summary ol ul li footer select option optgroup label "
            + "textarea figure figcaption svg g rect path circle").split(" "));
          const injected = [];
          for (const element of document.querySelectorAll("*")) {
            const report = kind => injected.push(`${kind}: ${element.outerHTML.slice(0, 300)}`);
            if (!known.has(element.localName)) report("element");
            if (element.localName === "script" && (!element.src || element.textContent)) report("script");
            if (element.localName === "meta" && element.httpEquiv) report("meta");
            for (const { name, value } of element.attributes) {
              if (/^on/i.test(name) || ["style", "srcdoc", "formaction", "ping", "background"].includes(name)) report(`attribute ${name}`);
              if (!["href", "xlink:href", "src", "action", "data", "poster"].includes(name)) continue;
              const url = new URL(value, location.href);
              const isExternal = element.localName === "a" && url.origin === "https://git.example" && element.rel.includes("noopener");
              if (url.origin !== location.origin && !isExternal) report(`URL in ${name}`);
            }
          }
          return injected.slice(0, 5);
        }
        """;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("catalog", "I12")]
    public async Task Hostile_deploy_texts_add_no_elements_to_pages()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await PageSite.CreateAsync(server, "production");
        var texts = HostileText.All();
        Assert.True(texts.Count > 300);
        List<string> deploys = [];
        // One text in each row of the history, several on the page of a deploy.
        foreach (var text in texts)
            await DeployAsync(server, site, text, text);
        foreach (var chunk in texts.Chunk(TextsPerField))
            deploys.Add(await DeployAsync(server, site, Join(chunk, MaxDescription), Join(chunk, MaxDescription)));
        var watched = await WatchedPage.SignInAsync(await browser.NewPageAsync(), server);

        await OpenAsync(watched, server, "/deployments");
        for (var below = texts.Count + deploys.Count + 1; below > 1; below -= 25)
            await OpenAsync(watched, server, $"{site.Page}?below={below}");
        foreach (var (index, deploy) in deploys.Index())
        {
            await OpenAsync(watched, server, $"{site.Page}/deploys/{deploy}");
            if (index % 20 == 0)
            {
                await OpenAsync(watched, server, $"{site.Page}/deploys/{deploy}/diff");
                await OpenAsync(watched, server, $"{site.Page}/deploys/{deploy}/rollback");
            }
        }
        // Pages show search texts and unknown ids again.
        var searches = texts.Chunk(TextsPerField).Where((_, index) => index % 4 == 0);
        foreach (var text in searches.Select(chunk => Uri.EscapeDataString(Join(chunk, 150))))
            await OpenAsync(watched, server, $"{site.Page}?text={text}&person={text}&type=&status={text}");
        foreach (var text in texts.Where((_, index) => index % 24 == 0).Select(Uri.EscapeDataString))
            await OpenAsync(watched, server, $"/deployments/{text.Replace("%2F", "", StringComparison.Ordinal)}");
    }

    [Fact]
    [Trait("catalog", "I12")]
    public async Task Hostile_file_names_and_contents_are_shown_as_text()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await PageSite.CreateAsync(server, "production");
        var texts = HostileText.All();
        string[] names = [.. texts.Select(text => "dags/" + text.Replace('/', '|').Replace('\t', ' ').Replace('\n', ' '))
            .Where(name => BundlePath.Problem(name) is null).Distinct(StringComparer.Ordinal)];
        Assert.True(names.Length > 200);
        var all = string.Join('\n', texts.Where(text => text.All(c => c <= '\u00ff'))) + "\n";
        await site.DeployAsync("before", [.. names.Select(name => (name, "x\n")), ("dags/all.py", "x\n")]);
        var (deploy, version) = await site.DeployAsync("after",
            [.. names.Select((name, index) => (name, texts[index] + "\n")), ("dags/all.py", all)]);
        var watched = await WatchedPage.SignInAsync(await browser.NewPageAsync(), server);

        await OpenAsync(watched, server, $"{site.Page}/versions/{version}/files?path=dags");
        Assert.Equal(names.Length + 1, await watched.Page.Locator(".files li").CountAsync());
        await OpenAsync(watched, server, $"{site.Page}/versions/{version}/files?path=dags/all.py");
        Assert.Contains(texts[0], await watched.Page.Locator(".diff").InnerTextAsync(), StringComparison.Ordinal);
        await OpenAsync(watched, server, $"{site.Page}/deploys/{deploy}/diff");
        foreach (var view in (string[])["unified", "split"])
            await OpenAsync(watched, server, $"{site.Page}/deploys/{deploy}/diff?bundle=dags&path=dags/all.py&view={view}");
        foreach (var name in names.Where((_, index) => index % 24 == 0).Select(Uri.EscapeDataString))
        {
            await OpenAsync(watched, server, $"{site.Page}/versions/{version}/files?path={name}");
            await OpenAsync(watched, server, $"{site.Page}/deploys/{deploy}/diff?bundle=dags&path={name}");
        }
    }

    [Fact]
    [Trait("catalog", "I12")]
    public async Task Hostile_names_and_agent_messages_are_shown_as_text()
    {
        await using var server = await UpdraftServer.StartAsync();
        string[] texts = [.. HostileText.All().Select(text => text.Replace('\t', ' ').Replace('\n', ' '))];
        List<string> sites = [];
        foreach (var chunk in texts.Chunk(TextsPerField))
        {
            var name = Join(chunk, MaxName);
            var workspace = await TryCreateAsync(server, $"{server.OrganizationPath}/workspaces",
                new JsonObject { ["name"] = name, ["description"] = name }) ?? server.WorkspaceId;
            var body = new JsonObject
            {
                ["name"] = name,
                ["description"] = name,
                ["workspaceId"] = workspace,
                ["isDagDeployEnabled"] = true,
            };
            if (await TryCreateAsync(server, $"{server.OrganizationPath}/deployments", body) is { } id)
                sites.Add(id);
            await TryCreateAsync(server, $"{server.OrganizationPath}/tokens", new JsonObject
            {
                ["name"] = name,
                ["description"] = name,
                ["scope"] = "WORKSPACE",
                ["role"] = "WORKSPACE_MEMBER",
                ["entityId"] = server.WorkspaceId,
            });
        }
        Assert.True(sites.Count > 40, $"The server accepted {sites.Count} Deployment names.");
        var site = new PageSite(server, sites[^1]);
        var (deploy, _) = await site.DeployAsync("first", ("dags/a.py", "a\n"));
        foreach (var chunk in texts.Chunk(2 * TextsPerField))
            await ReportAsync(server, site, chunk);
        foreach (var chunk in texts.Chunk(TextsPerField))
        {
            await TryCreateAsync(server, $"{server.OrganizationPath}/deployments/{site.Id}/agent-tokens",
                new JsonObject { ["name"] = Join(chunk, MaxName), ["description"] = Join(chunk, MaxName) });
        }
        var watched = await WatchedPage.SignInAsync(await browser.NewPageAsync(), server);

        foreach (var path in (string[])
            [
                "/deployments", "/tokens", "/members", site.Page, $"{site.Page}/deploys/{deploy}", $"{site.Page}/deploys/{deploy}/rollback",
                $"{site.Page}/agent-tokens", $"{site.Page}/bundles", $"{site.Page}/settings",
            ])
            await OpenAsync(watched, server, path);
        foreach (var id in sites.Where((_, index) => index % 4 == 0))
            await OpenAsync(watched, server, $"/deployments/{id}/settings");
        // The page with the value of a new token shows its name.
        await watched.Page.GotoAsync(Url(server, "/tokens"));
        await watched.Page.GetByLabel("Name", new PageGetByLabelOptions { Exact = true }).FillAsync(texts[0]);
        await watched.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Create token" }).ClickAsync();
        await Assertions.Expect(watched.Page.GetByLabel("Token value")).ToBeVisibleAsync();
        await CheckAsync(watched, server);
    }

    private static async Task OpenAsync(WatchedPage watched, UpdraftServer server, string path)
    {
        await watched.Page.GotoAsync(Url(server, path));
        await CheckAsync(watched, server);
    }

    private static async Task CheckAsync(WatchedPage watched, UpdraftServer server)
    {
        var injected = await watched.Page.EvaluateAsync<string[]>(FindInjected);
        Assert.True(injected.Length == 0, $"{watched.Page.Url}:\n{string.Join('\n', injected)}");
        await watched.AssertQuietAsync();
        Assert.StartsWith(server.BaseAddress.ToString(), watched.Page.Url, StringComparison.Ordinal);
    }

    private static async Task<string> DeployAsync(UpdraftServer server, PageSite site, string description, string text)
    {
        // A URL may contain quotes.
        var commitUrl = "https://git.example/" + Uri.EscapeDataString(text).Replace("%22", "\"", StringComparison.Ordinal)
            .Replace("%27", "'", StringComparison.Ordinal);
        var git = new JsonObject { ["provider"] = "GENERIC", ["commitUrl"] = commitUrl };
        foreach (var field in (string[])["commitSha", "remoteUrl", "branch", "path", "authorName", "authorUsername"])
            git[field] = text;
        var deploys = $"{server.OrganizationPath}/deployments/{site.Id}/deploys";
        var body = new JsonObject { ["type"] = "IMAGE_AND_DAG", ["description"] = description, ["git"] = git };
        var id = (await server.Client.PostOkAsync(deploys, body)).Text("id");
        await server.Client.PostOkAsync($"{deploys}/{id}/finalize", new JsonObject { ["dagTarballVersion"] = "" });
        return id;
    }

    /// <summary>Enrolls an agent whose names, failure message and step log contain the texts.</summary>
    private static async Task ReportAsync(UpdraftServer server, PageSite site, string[] texts)
    {
        var client = server.ClientWith(await server.CreateAgentTokenAsync(site.Id));
        var name = Join(texts, 90);
        using var response = await client.PostAsJsonAsync(AgentRoutes.Enroll,
            new EnrollRequest { InstanceId = EntityId.New(TimeProvider.System), Host = name, Component = name, AgentVersion = name },
            AgentJson.Default.EnrollRequest, Cancelled);
        var enrolled = await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(AgentJson.Default.EnrollResponse, Cancelled);
        var agent = enrolled!.AgentId;
        var now = TimeProvider.System.GetUtcNow();
        await new SimulatedAgent(client, agent).ReportAsync(AgentPhase.Failed, 1, 0, string.Join('\n', texts), null, new StepReport
        {
            Name = "check/dags",
            Status = StepStatus.Failed,
            StartedAt = now,
            EndedAt = now,
            Log = [.. texts.Select(text => new StepLine(now, text))],
        });
    }

    /// <summary>The id of the new resource; null if the server rejects the text, which is also safe.</summary>
    private static async Task<string?> TryCreateAsync(UpdraftServer server, string path, JsonObject body)
    {
        using var response = await server.Client.PostAsync(path, JsonRequests.Json(body.ToJsonString()), Cancelled);
        Assert.Contains(response.StatusCode, (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.Created, HttpStatusCode.BadRequest]);
        return response.StatusCode == HttpStatusCode.BadRequest ? null
            : JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancelled))!["id"]?.GetValue<string>();
    }

    /// <summary>Joins as many of the texts as fit.</summary>
    private static string Join(IEnumerable<string> texts, int most)
    {
        var joined = "";
        foreach (var text in texts.Where(text => joined.Length + text.Length < most))
            joined += (joined.Length > 0 ? " " : "") + text;
        return joined.Trim();
    }

    private static string Url(UpdraftServer server, string path) => server.BaseAddress.ToString().TrimEnd('/') + path;
}
