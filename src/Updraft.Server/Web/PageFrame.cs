using System.Collections.Frozen;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Net.Http.Headers;
using Updraft.Server.Api;

namespace Updraft.Server.Web;

/// <summary>Another server to which a form of the page may redirect.</summary>
/// <param name="Origin">Scheme, host and port.</param>
internal sealed record FormTarget(string Origin);

/// <summary>
/// Middleware after routing: adds the security headers of the web UI and renders errors as HTML. It also handles requests that match no
/// route, if they accept HTML and their path does not belong to the API.
/// </summary>
internal sealed class PageFrame(RequestDelegate next, EndpointDataSource endpoints)
{
    private const string OnlyThisServer =
        "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

    // Read at the first request, when all routes are mapped.
    private readonly Lazy<FrozenSet<string>> _apiSegments = new(() => ReadApiSegments(endpoints));

    public Task InvokeAsync(HttpContext context)
    {
        if (PageRoute.Matches(context) || (context.GetEndpoint() is null && WantsPage(context.Request) && !IsApiPath(context.Request.Path)))
        {
            Protect(context.Response);
            context.Features.Set(new ErrorPage(WriteErrorAsync));
        }
        return next(context);
    }

    /// <summary>Responds with a page that has a heading and a sentence.</summary>
    public static async Task ShowAsync(HttpContext context, int statusCode, string heading, string text)
    {
        Protect(context.Response);
        // A scope of its own: the renderer of the request may still hold the page that failed, and would fail again.
        var requestServices = context.RequestServices;
        await using var scope = requestServices.GetRequiredService<IServiceScopeFactory>().CreateAsyncScope();
        context.RequestServices = scope.ServiceProvider;
        try
        {
            var parameters = new { StatusCode = statusCode, Heading = heading, Text = text };
            await new RazorComponentResult<MessagePage>(parameters) { StatusCode = statusCode }.ExecuteAsync(context);
        }
        finally
        {
            context.RequestServices = requestServices;
        }
    }

    private static void Protect(HttpResponse response) => response.OnStarting(static state =>
    {
        var headers = ((HttpResponse)state).Headers;
        var target = ((HttpResponse)state).HttpContext.Features.Get<FormTarget>();
        headers.ContentSecurityPolicy = target is null ? OnlyThisServer : $"{OnlyThisServer} {target.Origin}";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (headers.CacheControl.Count == 0)
            headers.CacheControl = "no-store";
        return Task.CompletedTask;
    }, response);

    private static Task WriteErrorAsync(HttpContext context, string message)
    {
        var status = context.Response.StatusCode;
        if (status == StatusCodes.Status401Unauthorized && HttpMethods.IsGet(context.Request.Method) && WantsPage(context.Request))
        {
            var links = context.RequestServices.GetRequiredService<PageLinks>();
            context.Response.Headers.Remove(HeaderNames.WWWAuthenticate);
            var returnTo = context.Request.Path.ToUriComponent() + context.Request.QueryString.ToUriComponent();
            context.Response.Redirect(links.To($"/signin?returnTo={returnTo}"));
            return Task.CompletedTask;
        }
        return ShowAsync(context, status, Heading(status), message);
    }

    private static string Heading(int status) => status switch
    {
        StatusCodes.Status400BadRequest => "Invalid request",
        StatusCodes.Status401Unauthorized => "Sign-in required",
        StatusCodes.Status403Forbidden => "Permission denied",
        StatusCodes.Status404NotFound => "Not found",
        StatusCodes.Status503ServiceUnavailable => "Service unavailable",
        StatusCodes.Status507InsufficientStorage => "Storage full",
        >= 500 => "Server error",
        _ => "Request failed",
    };

    private bool IsApiPath(PathString path) =>
        path.Value?.Split('/', 3) is [_, var first, ..] && _apiSegments.Value.Contains(first);

    /// <summary>First path segments of all routes outside the web UI, such as <c>v1</c>. Clients of these paths expect JSON errors.</summary>
    private static FrozenSet<string> ReadApiSegments(EndpointDataSource endpoints) => endpoints.Endpoints.OfType<RouteEndpoint>()
        .Where(endpoint => endpoint.Metadata.GetMetadata<PageRoute>() is null)
        .Select(endpoint => endpoint.RoutePattern.PathSegments is [{ Parts: [RoutePatternLiteralPart first] }, ..] ? first.Content : null)
        .OfType<string>().ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static bool WantsPage(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);
}
