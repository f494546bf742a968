using Microsoft.Playwright;

namespace Updraft.Browser.Tests.Support;

/// <summary>A page in the browser of somebody who has signed in, and everything on it that must not happen.</summary>
internal sealed class Watch(IPage page)
{
    private const string Script = """
        window.broken = [];
        addEventListener("securitypolicyviolation", event => window.broken.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
        for (const name of ["alert", "confirm", "prompt", "print"]) window[name] = text => { window.broken.push(`${name}(${text})`); };
        """;

    private readonly List<string> _problems = [];

    public IPage Page => page;

    /// <summary>A watched page, signed in with a token.</summary>
    public static async Task<Watch> SignInAsync(IPage page, UpdraftServer server, string? token = null)
    {
        var watch = new Watch(page);
        await page.AddInitScriptAsync(Script);
        // I13: nothing is asked for anywhere else.
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(server.BaseAddress.ToString(), StringComparison.Ordinal))
                watch._problems.Add($"request: {request.Url}");
        };
        page.PageError += (_, error) => watch._problems.Add($"error: {error}");
        page.Dialog += (_, dialog) =>
        {
            watch._problems.Add($"dialog: {dialog.Message}");
            _ = dialog.DismissAsync();
        };
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && !message.Text.Contains("the server responded with a status of 40", StringComparison.Ordinal))
                watch._problems.Add($"console: {message.Text}");
        };
        await page.GotoAsync($"{server.BaseAddress}signin");
        await page.GetByLabel("API token").FillAsync(token ?? server.OwnerToken);
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Sign in", Exact = true }).ClickAsync();
        await page.WaitForURLAsync("**/deployments");
        return watch;
    }

    /// <summary>Nothing was run that should not be, and nothing was wanted from elsewhere.</summary>
    public async Task AssertQuietAsync()
    {
        var broken = await page.EvaluateAsync<string[]>("() => window.broken");
        Assert.True(_problems.Count + broken.Length == 0, $"{page.Url}:\n{string.Join('\n', _problems.Concat(broken))}");
    }
}
