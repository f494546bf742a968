namespace Updraft.Server.SignIn;

/// <summary>Shows a page with a heading and a sentence, for what a browser meets on the way. Filled by the pages.</summary>
internal delegate Task ShowMessage(HttpContext context, int statusCode, string heading, string text);

internal static class Page
{
    /// <summary>Answers with a page.</summary>
    public static Task ShowAsync(this HttpContext context, int statusCode, string heading, string text) =>
        context.RequestServices.GetRequiredService<ShowMessage>()(context, statusCode, heading, text);
}
