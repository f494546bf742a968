using Microsoft.Playwright;

namespace Updraft.Browser.Tests.Support;

/// <summary>
/// Waits for a URL by polling. A wait for the load of a page can miss its event, because pages keep a connection for live updates.
/// </summary>
internal static class PageUrl
{
    /// <summary>Waits until the URL begins with a text.</summary>
    public static Task ArrivesAtAsync(this IPage page, string url) =>
        Poll.UntilAsync(() => Task.FromResult(page.Url.StartsWith(url, StringComparison.Ordinal)));

    /// <summary>Waits until the URL does not contain a text any longer.</summary>
    public static Task LeavesAsync(this IPage page, string part) =>
        Poll.UntilAsync(() => Task.FromResult(!page.Url.Contains(part, StringComparison.Ordinal)));
}
