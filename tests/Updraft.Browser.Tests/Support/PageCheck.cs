using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Updraft.Browser.Tests.Support;

/// <summary>
/// Checks pages: axe finds no serious problem, and the page is not wider than the window. If <c>UPDRAFT_PICTURES</c> names a directory, the
/// pictures of the documentation go there, and all other pictures go to <c>screenshots</c> next to the test program.
/// </summary>
internal sealed class PageCheck(IPage page, string variant)
{
    private const int MaxPictureHeight = 900;

    private static readonly string[] DocumentPictures =
        ["deploy-light-1280", "deployment-light-1280", "deployments-light-1280", "diff-light-1280", "rollback-light-1280"];

    private readonly List<string> _problems = [];

    /// <summary>Checks the page in its current state.</summary>
    /// <param name="picture">Name of its picture; null for none.</param>
    public async Task CheckAsync(string? picture)
    {
        var result = await page.RunAxe();
        _problems.AddRange(result.Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation =>
            $"{page.Url}: {violation.Id}: {violation.Help}: {string.Join(" | ", violation.Nodes.Take(3).Select(node => node.Html))}"));
        if (await page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth > innerWidth"))
            _problems.Add($"{page.Url}: wider than the window");
        if (picture is not null && Environment.GetEnvironmentVariable("UPDRAFT_PICTURES") is { Length: > 0 } directory)
            await TakePictureAsync($"{picture}-{variant}", directory);
    }

    /// <summary>Fails with all problems that were found.</summary>
    public void AssertGood() => Assert.True(_problems.Count == 0, string.Join('\n', _problems));

    private async Task TakePictureAsync(string name, string directory)
    {
        if (!DocumentPictures.Contains(name, StringComparer.Ordinal))
        {
            var path = Path.Join(AppContext.BaseDirectory, "screenshots", name + ".png");
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = path, FullPage = true });
            return;
        }
        // The picture ends with the page, or is cut off at the maximum height.
        var (width, height) = (page.ViewportSize!.Width, page.ViewportSize.Height);
        await page.SetViewportSizeAsync(width, 200);
        var content = await page.EvaluateAsync<int>("() => document.documentElement.scrollHeight");
        await page.SetViewportSizeAsync(width, Math.Min(content, MaxPictureHeight));
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Join(directory, name + ".png") });
        await page.SetViewportSizeAsync(width, height);
    }
}
