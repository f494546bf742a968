using System.Net;

namespace Updraft.Server.SignIn;

/// <summary>A page with a heading and a sentence, for what a browser meets on the way.</summary>
internal static class Page
{
    public static Task WriteAsync(HttpResponse response, int statusCode, string heading, string text)
    {
        response.StatusCode = statusCode;
        response.ContentType = "text/html; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
        return response.WriteAsync($"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>Updraft: {WebUtility.HtmlEncode(heading)}</title>
            <style>body{"{"}font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:12vh auto;padding:0 1rem{"}"}</style></head>
            <body><h1>{WebUtility.HtmlEncode(heading)}</h1><p>{WebUtility.HtmlEncode(text)}</p></body></html>
            """);
    }
}
