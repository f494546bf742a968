using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Playwright;
using Updraft.Browser.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Browser.Tests;

/// <summary>
/// What strangers write, in every field that they can fill in, looked at in a real browser. The policy of the pages would stop most of it from being
/// run, so what counts is more: that no element and no attribute comes from a text.
/// </summary>
public sealed class HostileTextTests(Support.Browser browser) : IClassFixture<Support.Browser>
{
    private const int AtOnce = 6, MaxDescription = 500, MaxName = 255;

    // Everything that a page may consist of; what else it has came from a text.
    private const string FindStrange = """
        () => {
          const known = new Set(("html head meta title link script body a header img nav div button span form input main section h1 h2 h3 p code pre dl dt dd table caption thead "
            + "tbody tr th td time details summary ol ul li footer select option optgroup label textarea figure figcaption svg g rect path circle").split(" "));
          const strange = [];
          for (const element of document.querySelectorAll("*")) {
            const say = what => strange.push(`${what}: ${element.outerHTML.slice(0, 300)}`);
            if (!known.has(element.localName)) say("element");
            if (element.localName === "script" && (!element.src || element.textContent)) say("script");
            if (element.localName === "meta" && element.httpEquiv) say("meta");
            for (const { name, value } of element.attributes) {
              if (/^on/i.test(name) || ["style", "srcdoc", "formaction", "ping", "background"].includes(name)) say(`attribute ${name}`);
              if (!["href", "xlink:href", "src", "action", "data", "poster"].includes(name)) continue;
              const url = new URL(value, location.href);
              const isOutside = element.localName === "a" && url.origin === "https://git.example" && element.rel.includes("noopener");
              if (url.origin !== location.origin && !isOutside) say(`address ${name}`);
            }
          }
          return strange.slice(0, 5);
        }
        """;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task I12_nothing_that_strangers_write_becomes_a_part_of_a_page()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await PageSite.CreateAsync(server, "production");
        var texts = HostileText.All();
        Assert.True(texts.Count > 300);
        List<string> deploys = [];
        // Each by itself in a row of the history; several at once on the page of a deploy.
        foreach (var text in texts)
            await DeployAsync(server, site, text, text);
        foreach (var some in texts.Chunk(AtOnce))
            deploys.Add(await DeployAsync(server, site, Join(some, MaxDescription), Join(some, MaxDescription)));
        var watch = await Watch.SignInAsync(await browser.NewPageAsync(), server);

        await LookAsync(watch, server, "/deployments");
        for (var below = texts.Count + deploys.Count + 1; below > 1; below -= 25)
            await LookAsync(watch, server, $"{site.Page}?below={below}");
        foreach (var (index, deploy) in deploys.Index())
        {
            await LookAsync(watch, server, $"{site.Page}/deploys/{deploy}");
            if (index % 20 == 0)
            {
                await LookAsync(watch, server, $"{site.Page}/deploys/{deploy}/diff");
                await LookAsync(watch, server, $"{site.Page}/deploys/{deploy}/rollback");
            }
        }
        // What is looked for, and what is not found, is shown again.
        foreach (var text in texts.Chunk(AtOnce).Where((_, index) => index % 4 == 0).Select(some => Uri.EscapeDataString(Join(some, 150))))
            await LookAsync(watch, server, $"{site.Page}?text={text}&person={text}&type=&status={text}");
        foreach (var text in texts.Where((_, index) => index % 24 == 0).Select(Uri.EscapeDataString))
            await LookAsync(watch, server, $"/deployments/{text.Replace("%2F", "", StringComparison.Ordinal)}");
    }

    [Fact]
    public async Task I12_names_of_files_and_what_is_in_them_are_shown_as_they_are()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await PageSite.CreateAsync(server, "production");
        var texts = HostileText.All();
        string[] names = [.. texts.Select(text => "dags/" + text.Replace('/', '|').Replace('\t', ' ').Replace('\n', ' '))
            .Where(name => BundlePath.Problem(name) is null).Distinct(StringComparer.Ordinal)];
        Assert.True(names.Length > 200);
        var all = string.Join('\n', texts.Where(text => text.All(c => c <= '\u00ff'))) + "\n";
        await site.DeployAsync("before", [.. names.Select(name => (name, "x\n")), ("dags/all.py", "x\n")]);
        var (deploy, version) = await site.DeployAsync("after", [.. names.Select((name, index) => (name, texts[index] + "\n")), ("dags/all.py", all)]);
        var watch = await Watch.SignInAsync(await browser.NewPageAsync(), server);

        await LookAsync(watch, server, $"{site.Page}/versions/{version}/files?path=dags");
        Assert.Equal(names.Length + 1, await watch.Page.Locator(".files li").CountAsync());
        await LookAsync(watch, server, $"{site.Page}/versions/{version}/files?path=dags/all.py");
        Assert.Contains(texts[0], await watch.Page.Locator(".diff").InnerTextAsync(), StringComparison.Ordinal);
        await LookAsync(watch, server, $"{site.Page}/deploys/{deploy}/diff");
        foreach (var view in (string[])["unified", "split"])
            await LookAsync(watch, server, $"{site.Page}/deploys/{deploy}/diff?bundle=dags&path=dags/all.py&view={view}");
        foreach (var name in names.Where((_, index) => index % 24 == 0).Select(Uri.EscapeDataString))
        {
            await LookAsync(watch, server, $"{site.Page}/versions/{version}/files?path={name}");
            await LookAsync(watch, server, $"{site.Page}/deploys/{deploy}/diff?bundle=dags&path={name}");
        }
    }

    [Fact]
    public async Task I12_names_of_things_and_what_agents_say_are_shown_as_they_are()
    {
        await using var server = await UpdraftServer.StartAsync();
        string[] texts = [.. HostileText.All().Select(text => text.Replace('\t', ' ').Replace('\n', ' '))];
        List<string> sites = [];
        foreach (var some in texts.Chunk(AtOnce))
        {
            var name = Join(some, MaxName);
            var workspace = await TryCreateAsync(server, $"{server.OrganizationPath}/workspaces", new JsonObject { ["name"] = name, ["description"] = name }) ?? server.WorkspaceId;
            if (await TryCreateAsync(server, $"{server.OrganizationPath}/deployments",
                new JsonObject { ["name"] = name, ["description"] = name, ["workspaceId"] = workspace, ["isDagDeployEnabled"] = true }) is { } id)
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
        Assert.True(sites.Count > 40, $"{sites.Count} Deployments took such a name.");
        var site = new PageSite(server, sites[^1]);
        var (deploy, _) = await site.DeployAsync("said", ("dags/a.py", "a\n"));
        foreach (var some in texts.Chunk(2 * AtOnce))
            await SayAsync(server, site, some);
        foreach (var some in texts.Chunk(AtOnce))
        {
            await TryCreateAsync(server, $"{server.OrganizationPath}/deployments/{site.Id}/agent-tokens",
                new JsonObject { ["name"] = Join(some, MaxName), ["description"] = Join(some, MaxName) });
        }
        var watch = await Watch.SignInAsync(await browser.NewPageAsync(), server);

        foreach (var path in (string[])
            [
                "/deployments", "/tokens", "/members", site.Page, $"{site.Page}/deploys/{deploy}", $"{site.Page}/deploys/{deploy}/rollback", $"{site.Page}/agent-tokens",
                $"{site.Page}/bundles", $"{site.Page}/settings",
            ])
            await LookAsync(watch, server, path);
        foreach (var id in sites.Where((_, index) => index % 4 == 0))
            await LookAsync(watch, server, $"/deployments/{id}/settings");
        // A token's name is shown again when its secret is.
        await watch.Page.GotoAsync(Address(server, "/tokens"));
        await watch.Page.GetByLabel("Name", new PageGetByLabelOptions { Exact = true }).FillAsync(texts[0]);
        await watch.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Create the token" }).ClickAsync();
        await Assertions.Expect(watch.Page.GetByLabel("The new token")).ToBeVisibleAsync();
        await CheckAsync(watch, server);
    }

    private static async Task LookAsync(Watch watch, UpdraftServer server, string path)
    {
        await watch.Page.GotoAsync(Address(server, path));
        await CheckAsync(watch, server);
    }

    private static async Task CheckAsync(Watch watch, UpdraftServer server)
    {
        var strange = await watch.Page.EvaluateAsync<string[]>(FindStrange);
        Assert.True(strange.Length == 0, $"{watch.Page.Url}:\n{string.Join('\n', strange)}");
        await watch.AssertQuietAsync();
        Assert.StartsWith(server.BaseAddress.ToString(), watch.Page.Url, StringComparison.Ordinal);
    }

    private static async Task<string> DeployAsync(UpdraftServer server, PageSite site, string description, string text)
    {
        // Quotes may stand in an address.
        var address = "https://git.example/" + Uri.EscapeDataString(text).Replace("%22", "\"", StringComparison.Ordinal).Replace("%27", "'", StringComparison.Ordinal);
        var git = new JsonObject { ["provider"] = "GENERIC", ["commitUrl"] = address };
        foreach (var field in (string[])["commitSha", "remoteUrl", "branch", "path", "authorName", "authorUsername"])
            git[field] = text;
        var deploys = $"{server.OrganizationPath}/deployments/{site.Id}/deploys";
        var id = (await server.Client.PostOkAsync(deploys, new JsonObject { ["type"] = "IMAGE_AND_DAG", ["description"] = description, ["git"] = git })).Text("id");
        await server.Client.PostOkAsync($"{deploys}/{id}/finalize", new JsonObject { ["dagTarballVersion"] = "" });
        return id;
    }

    /// <summary>An agent with such names, which failed with such a message and did such things before.</summary>
    private static async Task SayAsync(UpdraftServer server, PageSite site, string[] texts)
    {
        var client = server.ClientWith(await server.CreateAgentTokenAsync(site.Id));
        var name = Join(texts, 90);
        using var response = await client.PostAsJsonAsync(AgentRoutes.Enroll,
            new EnrollRequest { InstanceId = EntityId.New(TimeProvider.System), Host = name, Component = name, AgentVersion = name }, AgentJson.Default.EnrollRequest, Cancelled);
        var agent = (await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(AgentJson.Default.EnrollResponse, Cancelled))!.AgentId;
        var now = TimeProvider.System.GetUtcNow();
        await new Teller(client, agent).SayAsync(AgentPhase.Failed, 1, 0, string.Join('\n', texts), null, new StepReport
        {
            Name = "check/dags",
            Status = StepStatus.Failed,
            StartedAt = now,
            EndedAt = now,
            Log = [.. texts.Select(text => new StepLine(now, text))],
        });
    }

    /// <summary>The id of what was created; null when such a text is refused there, which is as good.</summary>
    private static async Task<string?> TryCreateAsync(UpdraftServer server, string path, JsonObject body)
    {
        using var response = await server.Client.PostAsync(path, JsonRequests.Json(body.ToJsonString()), Cancelled);
        Assert.Contains(response.StatusCode, (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.Created, HttpStatusCode.BadRequest]);
        return response.StatusCode == HttpStatusCode.BadRequest ? null : JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancelled))!["id"]?.GetValue<string>();
    }

    /// <summary>Texts one after another, as many as fit.</summary>
    private static string Join(IEnumerable<string> texts, int most)
    {
        var joined = "";
        foreach (var text in texts.Where(text => joined.Length + text.Length < most))
            joined += (joined.Length > 0 ? " " : "") + text;
        return joined.Trim();
    }

    private static string Address(UpdraftServer server, string path) => server.BaseAddress.ToString().TrimEnd('/') + path;
}
