using Microsoft.Playwright;

namespace Updraft.Browser.Tests.Support;

/// <summary>A page of a signed-in browser that records script errors, dialogs, policy violations and requests to other servers.</summary>
internal sealed class WatchedPage(IPage page)
{
    private const string Script = """
        window.broken = [];
        addEventListener("securitypolicyviolation",
          event => window.broken.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
        for (const name of ["alert", "confirm", "prompt", "print"]) window[name] = text => { window.broken.push(`${name}(${text})`); };
        """;

    private readonly List<string> _problems = [];

    public IPage Page => page;

    /// <summary>Signs in with a token; the default is the owner token.</summary>
    public static async Task<WatchedPage> SignInAsync(IPage page, UpdraftServer server, string? token = null)
    {
        var watched = new WatchedPage(page);
        await page.AddInitScriptAsync(Script);
        // Catalog I13: all requests go to this server.
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(server.BaseAddress.ToString(), StringComparison.Ordinal))
                watched._problems.Add($"request: {request.Url}");
        };
        page.PageError += (_, error) => watched._problems.Add($"error: {error}");
        page.Dialog += (_, dialog) =>
        {
            watched._problems.Add($"dialog: {dialog.Message}");
            _ = dialog.DismissAsync();
        };
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && !message.Text.Contains("the server responded with a status of 40", StringComparison.Ordinal))
                watched._problems.Add($"console: {message.Text}");
        };
        await page.GotoAsync($"{server.BaseAddress}signin");
        await page.GetByLabel("API token").FillAsync(token ?? server.OwnerToken);
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Sign in", Exact = true }).ClickAsync();
        await page.ArrivesAtAsync($"{server.BaseAddress}deployments");
        return watched;
    }

    /// <summary>Fails with all recorded problems.</summary>
    public async Task AssertQuietAsync()
    {
        var broken = await page.EvaluateAsync<string[]>("() => window.broken");
        Assert.True(_problems.Count + broken.Length == 0, $"{page.Url}:\n{string.Join('\n', _problems.Concat(broken))}");
    }
}
