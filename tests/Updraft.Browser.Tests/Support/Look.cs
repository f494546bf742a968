using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Updraft.Browser.Tests.Support;

/// <summary>
/// Looks whether a page is for everybody: axe finds nothing serious, and it is no wider than the window. Where <c>UPDRAFT_PICTURES</c> names a
/// folder, pictures are left there: <c>UPDRAFT_PICTURES=docs/images</c> takes those of the documentation again.
/// </summary>
internal sealed class Look(IPage page, string variant)
{
    private readonly List<string> _problems = [];

    /// <summary>Looks at the page as it is now.</summary>
    /// <param name="picture">Name of its picture; null for none.</param>
    public async Task CheckAsync(string? picture)
    {
        var result = await page.RunAxe();
        _problems.AddRange(result.Violations.Where(violation => violation.Impact is "serious" or "critical")
            .Select(violation => $"{page.Url}: {violation.Id}: {violation.Help}: {string.Join(" | ", violation.Nodes.Take(3).Select(node => node.Html))}"));
        if (await page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth > innerWidth"))
            _problems.Add($"{page.Url}: is wider than the window");
        if (picture is not null && Environment.GetEnvironmentVariable("UPDRAFT_PICTURES") is { Length: > 0 } folder)
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Join(folder, $"{picture}-{variant}.png"), FullPage = true });
    }

    /// <summary>Says everything that was wrong, if anything was.</summary>
    public void AssertGood() => Assert.True(_problems.Count == 0, string.Join('\n', _problems));
}
