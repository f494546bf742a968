using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;
using Updraft.Browser.Tests.Support;
using Updraft.Server.SignIn;

namespace Updraft.Browser.Tests;

/// <summary>The web UI in a real browser, with real agents.</summary>
public sealed class PagesTests(Support.Browser browser) : IClassFixture<Support.Browser>
{
    private static readonly string[] Components = ["scheduler", "dag-processor", "worker"];

    private static readonly LocatorAssertionsToBeVisibleOptions Soon = new() { Timeout = 60_000 };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Open_page_shows_deploys_and_the_keyboard_alone_rolls_back()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await PageSite.CreateAsync(server, "production");
        using var agents = await Agents.StartAsync(server, site.Id);
        var watched = await WatchedPage.SignInAsync(await browser.NewPageAsync(), server);
        var page = watched.Page;
        await page.GotoAsync(Url(server, site.Page));
        await Assertions.Expect(page.GetByText("3 of 3 up to date")).ToBeVisibleAsync(Soon);
        await page.EvaluateAsync("() => { window.isSamePage = true; }");

        await site.DeployAsync("first", ("dags/shop.py", "alpha\nbeta\ngamma\n"));
        await Assertions.Expect(Row(page, "first")).ToBeVisibleAsync(Soon);
        await Assertions.Expect(page.GetByText("revision 1", Exactly)).ToHaveCountAsync(3, Slowly);
        await site.DeployAsync("second", ("dags/shop.py", "alpha\nBETA\ngamma\n"));
        await Assertions.Expect(page.GetByText("revision 2", Exactly)).ToHaveCountAsync(3, Slowly);
        Assert.True(await page.EvaluateAsync<bool>("() => window.isSamePage === true"));
        await watched.AssertQuietAsync();

        await Row(page, "second").ClickAsync();
        await page.GetByRole(AriaRole.Link, Name("Show all changes")).ClickAsync();
        await Assertions.Expect(page.Locator("td.added")).ToHaveTextAsync("+ BETA");
        await Assertions.Expect(page.Locator("td.removed")).ToHaveTextAsync("- beta");

        await page.GotoAsync(Url(server, site.Page));
        await TabToAsync(page, "Roll back to deploy 1");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, Name("Rollback of production"))).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("1 changed")).ToBeVisibleAsync();
        await page.Keyboard.TypeAsync("The second deploy is wrong");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, Name("The second deploy is wrong"))).ToBeVisibleAsync(Soon);
        var activated = page.Locator(".timeline > .completed .what", new PageLocatorOptions { HasText = "Activated by" });
        await Assertions.Expect(activated).ToHaveCountAsync(3, Slowly);

        await page.GotoAsync(Url(server, site.Page));
        foreach (var name in (string[])["first", "second", "The second deploy is wrong"])
            await Assertions.Expect(Row(page, name)).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("revision 3", Exactly)).ToHaveCountAsync(3, Slowly);
        Assert.All(agents.Roots, root => Assert.Equal("alpha\nbeta\ngamma\n", File.ReadAllText(Path.Join(root, "dags", "shop.py"))));
        await watched.AssertQuietAsync();
    }

    [Theory]
    [Trait("Runs", "ci")] // Checks and draws each page, which takes minutes.
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Light, 375)]
    [InlineData(ColorScheme.Dark, 375)]
    public async Task Every_page_is_accessible(ColorScheme theme, int width)
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var (webhook, failing) = ("", "");
        await using var history = await SampleHistory.CreateAsync(WebhookSite.Settings,
            async server => (webhook, failing) = await AddWebhooksAsync(server, receiver));
        var (server, site, (last, version)) = (history.Server, history.Site, history.Deploys[^1]);
        var page = await browser.NewPageAsync(theme, width);
        var check = new PageCheck(page, $"{theme.ToString().ToLowerInvariant()}-{width}");
        await page.GotoAsync(Url(server, "/signin"));
        await check.CheckAsync("signin");
        await page.GetByLabel("API token").FillAsync("wrong");
        await page.GetByRole(AriaRole.Button, Button("Sign in")).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await check.CheckAsync(null);
        var watched = await WatchedPage.SignInAsync(page, server);
        foreach (var (name, path) in ((string?, string)[])
            [
                ("deployments", "/deployments"), ("deployment", site.Page), (null, $"{site.Page}?text=nothing"),
                (null, $"{site.Page}?below=3"), ("unhealthy", history.Failing.Page),
                ("deploy", $"{site.Page}/deploys/{last}"), (null, $"{site.Page}/deploys/{history.Rollback}"),
                (null, $"{site.Page}/deploys/{last}/diff"),
                ("diff-split", $"{site.Page}/deploys/{last}/diff?bundle=dags&path=dags/orders.py&view=split"),
                ("diff", $"{site.Page}/deploys/{last}/diff?bundle=dags&path=dags/orders.py"),
                ("rollback", $"{site.Page}/deploys/{last}/rollback"), ("bundles", $"{site.Page}/bundles"),
                ("bundle", $"{site.Page}/bundles/{history.Bundle}"),
                ("files", $"{site.Page}/versions/{version}/files?path=dags"),
                ("file", $"{site.Page}/versions/{version}/files?path=dags/orders.py"),
                (null, $"{site.Page}/versions/{version}/files?path=dags/logo.bin"),
                ("agent-tokens", $"{site.Page}/agent-tokens"),
                ("settings", $"{site.Page}/settings"), ("api", "/docs/"), (null, "/docs/updraft-v1"), ("tokens", "/tokens"),
                ("members", "/members"),
                ("webhooks", "/webhooks"), ("webhook", $"/webhooks/{webhook}"), (null, $"/webhooks/{failing}"), ("audit-log", "/audit-log"),
                (null, "/audit-log?text=nothing"), ("missing", "/nothing"),
            ])
        {
            await page.GotoAsync(Url(server, path));
            await check.CheckAsync(name);
            await watched.AssertQuietAsync();
        }
        await page.GotoAsync(Url(server, "/tokens"));
        await page.GetByLabel("Name", new PageGetByLabelOptions { Exact = true }).FillAsync("for CI");
        await page.GetByRole(AriaRole.Button, Button("Create token")).ClickAsync();
        await Assertions.Expect(page.GetByLabel("Token value")).ToBeVisibleAsync();
        await check.CheckAsync(null);
        check.AssertGood();
    }

    /// <summary>Adds a webhook that works and one whose receiver is unreachable; returns their ids.</summary>
    private static async Task<(string Working, string Failing)> AddWebhooksAsync(UpdraftServer server, WebhookReceiver receiver)
    {
        async Task<string> AddAsync(string name, string url) => (await server.Client.PostOkAsync(WebhookSite.PathOf(server),
            new JsonObject { ["name"] = name, ["workspaceId"] = server.WorkspaceId, ["url"] = url })).Text("id");
        return (await AddAsync("chat", receiver.Url), await AddAsync("pager", "https://localhost/hooks/pager"));
    }

    [Fact]
    public async Task Slow_form_shows_progress_and_is_submitted_once()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await PageSite.CreateAsync(server, "production");
        var (first, _) = await site.DeployAsync("first", ("dags/shop.py", "alpha\n"));
        await site.DeployAsync("second", ("dags/shop.py", "beta\n"));
        var watched = await WatchedPage.SignInAsync(await browser.NewPageAsync(), server);
        var page = watched.Page;
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // The page reports by itself: Playwright waits for the end of a navigation before it reads from the page.
        var reported = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await page.ExposeFunctionAsync<string>("report", text => reported.TrySetResult(text));
        await page.GotoAsync(Url(server, $"{site.Page}/deploys/{first}/rollback"));
        await page.EvaluateAsync("""
            () => {
              const note = document.getElementById("live-note");
              const state = () => `${note.textContent} ${getComputedStyle(document.documentElement, "::before").position}`;
              new MutationObserver(() => report(state())).observe(note, { childList: true });
            }
            """);
        var sent = 0;
        await page.RouteAsync("**/rollback", async route =>
        {
            sent++;
            await goOn.Task;
            await route.ContinueAsync();
        });
        var button = page.GetByRole(AriaRole.Button, Button("Roll back"));
        await button.EvaluateAsync("button => { button.click(); setTimeout(() => button.click(), 50); }");
        Assert.Equal("Loading\u2026 fixed", await reported.Task.WaitAsync(Cancelled));
        goOn.SetResult();
        await page.LeavesAsync("/rollback");
        await Assertions.Expect(page.GetByText("Loading\u2026")).ToHaveCountAsync(0);
        Assert.Equal((1, 3), (sent, (await site.HistoryAsync()).Count));
        await watched.AssertQuietAsync();
    }

    [Fact]
    public async Task Times_and_theme_follow_the_browser()
    {
        await using var history = await SampleHistory.CreateAsync();
        const string zone = "Pacific/Kiritimati";
        var page = await browser.NewPageAsync(zone: zone);
        await WatchedPage.SignInAsync(page, history.Server);
        await page.GotoAsync(Url(history.Server, $"{history.Site.Page}/deploys/{history.Deploys[0].Id}"));
        var time = page.Locator("dd time").First;
        Assert.Matches(@" local time, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC$", await time.GetAttributeAsync("title"));
        var at = DateTimeOffset.Parse((await time.GetAttributeAsync("datetime"))!, CultureInfo.InvariantCulture);
        var local = TimeZoneInfo.ConvertTime(at, TimeZoneInfo.FindSystemTimeZoneById(zone));
        Assert.Contains(local.ToString("MMM d, yyyy", CultureInfo.InvariantCulture), await time.InnerTextAsync(), StringComparison.Ordinal);

        foreach (var theme in (string?[])["dark", "light", null])
        {
            await page.Locator("#theme").ClickAsync();
            Assert.Equal(theme, await page.EvaluateAsync<string?>("() => document.documentElement.dataset.theme ?? null"));
            await page.ReloadAsync();
            Assert.Equal(theme, await page.EvaluateAsync<string?>("() => document.documentElement.dataset.theme ?? null"));
        }
    }

    [Fact]
    [Trait("catalog", "I18")]
    public async Task Browser_resolves_redirects_of_sign_ins_to_this_server()
    {
        await using var server = await UpdraftServer.StartAsync();
        var page = await browser.NewPageAsync();
        await page.GotoAsync(Url(server, "/signin"));
        foreach (var url in HostileAddresses.OfOtherSites())
        {
            var own = LoopbackUrl.OwnPath(url);
            var origin = await page.EvaluateAsync<string>("own => new URL(own, location.href).origin", own);
            Assert.Equal(server.BaseAddress.ToString().TrimEnd('/'), origin);
        }
        // The sign-in form, with the URLs that are most similar to a path.
        string[] similar =
        [
            "//evil.example", "/\\evil.example", "/\t/evil.example", "/.//evil.example", "/%2f/evil.example", "/%09/evil.example",
            "/@evil.example",
        ];
        foreach (var returnTo in similar)
        {
            await page.Context.ClearCookiesAsync();
            await page.GotoAsync(Url(server, "/signin?returnTo=" + Uri.EscapeDataString(returnTo)));
            await page.GetByLabel("API token").FillAsync(server.OwnerToken);
            await page.GetByRole(AriaRole.Button, Button("Sign in")).ClickAsync();
            await page.LeavesAsync("/signin");
            Assert.StartsWith(server.BaseAddress.ToString(), page.Url, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("catalog", "I14")]
    public async Task Form_of_another_origin_changes_nothing()
    {
        await using var server = await UpdraftServer.StartAsync();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var evil = builder.Build();
        evil.Urls.Add("http://127.0.0.1:0");
        evil.MapGet("/", () => Results.Content($"""
            <form method="post" action="{server.BaseAddress}tokens">
            <input name="name" value="forged"><input name="place" value="{server.OrganizationId}">
            <input name="role" value="ORGANIZATION_OWNER"><button>Win a prize</button></form>
            <iframe src="{server.BaseAddress}deployments"></iframe>
            """, "text/html"));
        await evil.StartAsync(Cancelled);
        var watched = await WatchedPage.SignInAsync(await browser.NewPageAsync(), server);
        var url = evil.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        await watched.Page.GotoAsync(url);
        var frame = await watched.Page.FrameLocator("iframe").Locator("html").InnerTextAsync();
        Assert.DoesNotContain("Deployments", frame, StringComparison.Ordinal);
        await watched.Page.GetByRole(AriaRole.Button, Button("Win a prize")).ClickAsync();
        await Assertions.Expect(watched.Page.GetByRole(AriaRole.Heading, Name("Permission denied"))).ToBeVisibleAsync();
        var tokens = (await server.Client.GetOkAsync($"{server.OrganizationPath}/tokens")).ToJsonString();
        Assert.DoesNotContain("forged", tokens, StringComparison.Ordinal);
    }

    private static readonly PageGetByTextOptions Exactly = new() { Exact = true };

    private static readonly LocatorAssertionsToHaveCountOptions Slowly = new() { Timeout = 60_000 };

    private static PageGetByRoleOptions Name(string name) => new() { Name = name };

    private static PageGetByRoleOptions Button(string name) => new() { Name = name, Exact = true };

    private static string Url(UpdraftServer server, string path) => server.BaseAddress.ToString().TrimEnd('/') + path;

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
        Assert.Fail($"The tab key does not reach '{name}'.");
    }

    /// <summary>Three agents without Airflow, each with its own root.</summary>
    private sealed class Agents(string folder, List<ChildProcess> programs) : IDisposable
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
                agents.Add(new ChildProcess(Programs.AgentBinary,
                [
                    "--server", server.BaseAddress.ToString().TrimEnd('/'), "--token-file", token,
                    "--root", Path.Join(folder, component), "--component", component, "--host", $"airflow-{component}",
                ]));
            }
            return agents;
        }

        public void Dispose()
        {
            programs.ForEach(program => program.Dispose());
            Directory.Delete(folder, recursive: true);
        }

        private void Add(ChildProcess program) => programs.Add(program);
    }
}
