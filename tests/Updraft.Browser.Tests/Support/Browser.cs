using Microsoft.Playwright;

namespace Updraft.Browser.Tests.Support;

/// <summary>The machine's Chromium in headless mode.</summary>
public sealed class Browser : IAsyncLifetime
{
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = "/usr/bin/chromium",
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--no-first-run",
            ],
        });
    }

    /// <summary>A new page that shares nothing with others.</summary>
    public async Task<IPage> NewPageAsync(ColorScheme theme = ColorScheme.Light, int width = 1280, string? zone = null)
    {
        var browser = _browser ?? throw new InvalidOperationException("The browser has not started.");
        var page = await browser.NewPageAsync(new BrowserNewPageOptions
        {
            ColorScheme = theme,
            ViewportSize = new ViewportSize { Width = width, Height = 800 },
            TimezoneId = zone,
        });
        // On a busy machine, the first sign-in at a provider takes long.
        page.SetDefaultTimeout(120_000);
        return page;
    }

    /// <summary>Saves a screenshot of a page for a visual check.</summary>
    public static Task KeepAsync(IPage page, string name) => page.ScreenshotAsync(new PageScreenshotOptions
    {
        Path = Path.Join(AppContext.BaseDirectory, "screenshots", name + ".png"),
    });

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }
}
