using System.Globalization;
using System.Text.Json.Nodes;
using Deque.AxeCore.Playwright;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;
using Updraft.Browser.Tests.Support;
using Updraft.EndToEnd.Tests.Support;
using Updraft.Server.Tests.Support;
using Updraft.Server.Tests.Web;
using Updraft.Server.Tests.Webhooks;

namespace Updraft.Browser.Tests;

/// <summary>The pages in a real browser, with real agents.</summary>
public sealed class PagesTests(Support.Browser browser) : IClassFixture<Support.Browser>
{
    private static readonly string[] Components = ["scheduler", "dag-processor", "worker"];

    private static readonly LocatorAssertionsToBeVisibleOptions Soon = new() { Timeout = 60_000 };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_deploy_arrives_before_the_readers_eyes_and_is_rolled_back_by_keyboard_alone()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await PageSite.CreateAsync(server, "production");
        using var agents = await Agents.StartAsync(server, site.Id);
        var watch = await Watch.SignInAsync(await browser.NewPageAsync(), server);
        var page = watch.Page;
        await page.GotoAsync(Address(server, site.Page));
        await Assertions.Expect(page.GetByText("3 of 3 up to date")).ToBeVisibleAsync(Soon);
        await page.EvaluateAsync("() => { window.isSamePage = true; }");

        await site.DeployAsync("first", ("dags/shop.py", "alpha\nbeta\ngamma\n"));
        await Assertions.Expect(Row(page, "first")).ToBeVisibleAsync(Soon);
        await Assertions.Expect(page.GetByText("revision 1", Exactly)).ToHaveCountAsync(3, Slowly);
        await site.DeployAsync("second", ("dags/shop.py", "alpha\nBETA\ngamma\n"));
        await Assertions.Expect(page.GetByText("revision 2", Exactly)).ToHaveCountAsync(3, Slowly);
        Assert.True(await page.EvaluateAsync<bool>("() => window.isSamePage === true"));
        await watch.AssertQuietAsync();

        await Row(page, "second").ClickAsync();
        await page.GetByRole(AriaRole.Link, Name("All changes, and other deploys")).ClickAsync();
        await Assertions.Expect(page.Locator("td.added")).ToHaveTextAsync("+ BETA");
        await Assertions.Expect(page.Locator("td.removed")).ToHaveTextAsync("- beta");

        await page.GotoAsync(Address(server, site.Page));
        await TabToAsync(page, "Roll back to deploy 1");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "Roll back production" })).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("1 changed")).ToBeVisibleAsync();
        await page.Keyboard.TypeAsync("The second is wrong");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "The second is wrong" })).ToBeVisibleAsync(Soon);
        await Assertions.Expect(page.Locator(".timeline > .completed .what", new PageLocatorOptions { HasText = "Activated by" })).ToHaveCountAsync(3, Slowly);

        await page.GotoAsync(Address(server, site.Page));
        foreach (var name in (string[])["first", "second", "The second is wrong"])
            await Assertions.Expect(Row(page, name)).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("revision 3", Exactly)).ToHaveCountAsync(3, Slowly);
        Assert.All(agents.Roots, root => Assert.Equal("alpha\nbeta\ngamma\n", File.ReadAllText(Path.Join(root, "dags", "shop.py"))));
        await watch.AssertQuietAsync();
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Light, 375)]
    [InlineData(ColorScheme.Dark, 375)]
    public async Task Every_page_is_for_everybody(ColorScheme theme, int width)
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var server = await UpdraftServer.StartAsync(settings: WebhookSite.Settings);
        var site = await PageSite.CreateAsync(server, "production");
        await PageSite.CreateAsync(server, "still empty");
        var (webhook, failing) = await AddWebhooksAsync(server, receiver);
        var (first, version) = await site.DeployAsync("first", ("dags/shop.py", "alpha\nbeta\n"), ("dags/logo.bin", "\0"));
        var (second, _) = await site.DeployAsync("second", ("dags/shop.py", "alpha\nBETA\n"), ("dags/new.py", "x\n"));
        var bundle = (await server.Client.GetOkAsync($"{server.OrganizationPath}/deployments/{site.Id}/bundles"))["bundles"]![0]!.AsObject().Text("id");
        await server.AddPersonAsync("ann@example.org");
        var page = await browser.NewPageAsync(theme, width);
        await page.GotoAsync(Address(server, "/signin"));
        var problems = await CheckAsync(page);
        var watch = await Watch.SignInAsync(page, server);
        foreach (var path in (string[])
            [
                "/deployments", site.Page, $"{site.Page}?text=nothing", $"{site.Page}/deploys/{second}", $"{site.Page}/deploys/{second}/diff",
                $"{site.Page}/deploys/{second}/diff?bundle=dags&path=dags/shop.py&view=split", $"{site.Page}/deploys/{second}/diff?bundle=dags&path=dags/shop.py",
                $"{site.Page}/deploys/{first}/rollback", $"{site.Page}/bundles", $"{site.Page}/bundles/{bundle}", $"{site.Page}/versions/{version}/files?path=dags",
                $"{site.Page}/versions/{version}/files?path=dags/shop.py", $"{site.Page}/agent-tokens", $"{site.Page}/settings", "/tokens", "/webhooks", $"/webhooks/{webhook}", $"/webhooks/{failing}", "/members", "/nothing",
            ])
        {
            await page.GotoAsync(Address(server, path));
            problems.AddRange(await CheckAsync(page));
            await watch.AssertQuietAsync();
        }
        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    /// <summary>One webhook that is well and one that reaches nobody; returns their ids.</summary>
    private static async Task<(string Well, string Failing)> AddWebhooksAsync(UpdraftServer server, WebhookReceiver receiver)
    {
        async Task<string> AddAsync(string name, string url) => (await server.Client.PostOkAsync(WebhookSite.PathOf(server),
            new JsonObject { ["name"] = name, ["workspaceId"] = server.WorkspaceId, ["url"] = url })).Text("id");
        return (await AddAsync("chat", receiver.Url), await AddAsync("pager", "https://localhost/hooks/pager"));
    }

    [Fact]
    public async Task I12_nothing_that_strangers_write_is_run()
    {
        string[] payloads =
        [
            "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg/onload=alert(1)>", "'-alert(1)-'", "</textarea><script>alert(1)</script>",
            "</title><script>alert(1)</script>", "<iframe srcdoc='<script>parent.alert(1)</script>'>", "<a href=javascript:alert(1)>x</a>",
            "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>", "<details open ontoggle=alert(1)>", "<style>@import'//evil.example'</style>",
            "<base href=//evil.example/>", "<meta http-equiv=refresh content=0;url=//evil.example>", "${alert(1)}", "{{alert(1)}}", "javascript:alert(1)",
            "<svg><animate onbegin=alert(1) attributeName=x dur=1s>", "<input autofocus onfocus=alert(1)>", "\u202Ealert(1)", "<!--><script>alert(1)</script>-->",
        ];
        await using var server = await UpdraftServer.StartAsync();
        var site = await PageSite.CreateAsync(server, payloads[0]);
        await site.DeployAsync("before", ("dags/a.py", "a\n"));
        var watch = await Watch.SignInAsync(await browser.NewPageAsync(), server);
        var page = watch.Page;
        foreach (var payload in payloads)
        {
            var git = new JsonObject { ["provider"] = "GENERIC" };
            foreach (var field in (string[])["commitSha", "remoteUrl", "branch", "path", "authorName", "authorUsername"])
                git[field] = payload;
            var name = $"dags/{payload.Replace("/", "|", StringComparison.Ordinal)}.py";
            // What cannot be a file's name is shown everywhere else.
            var isName = Protocol.BundlePath.Problem(name) is null;
            var (deploy, version) = await site.DeployAsync(payload, git, (isName ? name : "dags/b.py", payload));
            name = Uri.EscapeDataString(isName ? name : "dags/b.py");
            foreach (var path in (string[])["/deployments", site.Page, $"{site.Page}?text={Uri.EscapeDataString(payload)}&person={Uri.EscapeDataString(payload)}", $"{site.Page}/deploys/{deploy}",
                $"{site.Page}/deploys/{deploy}/diff?bundle=dags&path={name}", $"{site.Page}/deploys/{deploy}/rollback", $"{site.Page}/versions/{version}/files?path={name}"])
            {
                await page.GotoAsync(Address(server, path));
                await watch.AssertQuietAsync();
                Assert.StartsWith(server.BaseAddress.ToString(), page.Url, StringComparison.Ordinal);
            }
        }
        Assert.DoesNotContain("javascript:", string.Join(' ', await page.EvaluateAsync<string[]>("() => [...document.querySelectorAll('a')].map(a => a.href)")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task I14_a_page_of_another_port_changes_nothing_with_the_readers_cookie()
    {
        await using var server = await UpdraftServer.StartAsync();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var evil = builder.Build();
        evil.Urls.Add("http://127.0.0.1:0");
        evil.MapGet("/", () => Results.Content($"""
            <form method="post" action="{server.BaseAddress}tokens"><input name="name" value="forged"><input name="place" value="{server.OrganizationId}">
            <input name="role" value="ORGANIZATION_OWNER"><button>Win a prize</button></form><iframe src="{server.BaseAddress}deployments"></iframe>
            """, "text/html"));
        await evil.StartAsync(Cancelled);
        var watch = await Watch.SignInAsync(await browser.NewPageAsync(), server);
        await watch.Page.GotoAsync(evil.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        Assert.DoesNotContain("Deployments", await watch.Page.FrameLocator("iframe").Locator("html").InnerTextAsync(), StringComparison.Ordinal);
        await watch.Page.GetByRole(AriaRole.Button, Button("Win a prize")).ClickAsync();
        await Assertions.Expect(watch.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "You may not do this" })).ToBeVisibleAsync();
        Assert.DoesNotContain("forged", (await server.Client.GetOkAsync($"{server.OrganizationPath}/tokens")).ToJsonString(), StringComparison.Ordinal);
    }

    private static readonly PageGetByTextOptions Exactly = new() { Exact = true };

    private static readonly LocatorAssertionsToHaveCountOptions Slowly = new() { Timeout = 60_000 };

    private static PageGetByRoleOptions Name(string name) => new() { Name = name };

    private static PageGetByRoleOptions Button(string name) => new() { Name = name, Exact = true };

    private static string Address(UpdraftServer server, string path) => server.BaseAddress.ToString().TrimEnd('/') + path;

    private static ILocator Row(IPage page, string description) =>
        page.Locator("#history").GetByRole(AriaRole.Link, new LocatorGetByRoleOptions { Name = description, Exact = true });

    private static async Task TabToAsync(IPage page, string name)
    {
        for (var i = 0; i < 100; i++)
        {
            await page.Keyboard.PressAsync("Tab");
            if (await page.EvaluateAsync<string?>("() => document.activeElement.getAttribute('aria-label')") == name)
                return;
        }
        Assert.Fail($"No tab leads to '{name}'.");
    }

    private static async Task<List<string>> CheckAsync(IPage page)
    {
        var result = await page.RunAxe();
        var problems = result.Violations.Where(violation => violation.Impact is "serious" or "critical")
            .Select(violation => $"{page.Url}: {violation.Id}: {violation.Help}: {string.Join(" | ", violation.Nodes.Take(3).Select(node => node.Html))}").ToList();
        if (await page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth > innerWidth"))
            problems.Add($"{page.Url}: is wider than the window");
        return problems;
    }

    /// <summary>Three agents beside nothing, each with a root of its own.</summary>
    private sealed class Agents(string folder, List<RunningProgram> programs) : IDisposable
    {
        public IEnumerable<string> Roots => Components.Select(component => Path.Join(folder, component));

        public static async Task<Agents> StartAsync(UpdraftServer server, string deployment)
        {
            var folder = Directory.CreateTempSubdirectory("updraft-pages-").FullName;
            var agents = new Agents(folder, []);
            foreach (var component in Components)
            {
                var token = Path.Join(folder, component + ".token");
                await File.WriteAllTextAsync(token, await server.CreateAgentTokenAsync(deployment), Cancelled);
                Directory.CreateDirectory(Path.Join(folder, component));
                agents.Add(new RunningProgram(Programs.AgentBinary, ["--server", server.BaseAddress.ToString().TrimEnd('/'), "--token-file", token,
                    "--root", Path.Join(folder, component), "--component", component, "--host", string.Create(CultureInfo.InvariantCulture, $"airflow-{component}")]));
            }
            return agents;
        }

        public void Dispose()
        {
            programs.ForEach(program => program.Dispose());
            Directory.Delete(folder, recursive: true);
        }

        private void Add(RunningProgram program) => programs.Add(program);
    }
}
