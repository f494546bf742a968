using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using Updraft.Server.Api;

namespace Updraft.Server.Web;

/// <summary>
/// Middleware after routing, around everything that a browser shows: the headers that keep a page to itself, and errors as pages. An address that
/// no route knows is a page too when somebody asks for HTML.
/// </summary>
internal sealed class PageFrame(RequestDelegate next)
{
    private const string OnlyThisServer =
        "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

    /// <summary>Where programs ask, which want an error as they know it whatever they say about HTML.</summary>
    private static readonly string[] ApiPrefixes =
        ["/v1", "/v1alpha1", "/platform", "/labs", "/iam", "/agent", "/updraft", "/uploads", "/registry", "/oauth", "/private", "/openapi", "/spec", "/healthz"];

    public Task InvokeAsync(HttpContext context)
    {
        if (PageRoute.Is(context) || (context.GetEndpoint() is null && WantsPage(context.Request) && !IsApiPath(context.Request.Path)))
        {
            Protect(context.Response);
            context.Features.Set(new ErrorPage(WriteErrorAsync));
        }
        return next(context);
    }

    /// <summary>Answers with a heading and a sentence.</summary>
    public static async Task ShowAsync(HttpContext context, int statusCode, string heading, string text)
    {
        Protect(context.Response);
        // The renderer of the request may still hold the page that failed, and would fail with it again.
        var ofRequest = context.RequestServices;
        await using var scope = ofRequest.GetRequiredService<IServiceScopeFactory>().CreateAsyncScope();
        context.RequestServices = scope.ServiceProvider;
        try
        {
            await new RazorComponentResult<MessagePage>(new { StatusCode = statusCode, Heading = heading, Text = text }) { StatusCode = statusCode }
                .ExecuteAsync(context);
        }
        finally
        {
            context.RequestServices = ofRequest;
        }
    }

    private static void Protect(HttpResponse response) => response.OnStarting(static state =>
    {
        var headers = ((HttpResponse)state).Headers;
        headers.ContentSecurityPolicy = OnlyThisServer;
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
            context.Response.Redirect(links.To($"/signin?returnTo={context.Request.Path.ToUriComponent() + context.Request.QueryString.ToUriComponent()}"));
            return Task.CompletedTask;
        }
        return ShowAsync(context, status, Heading(status), message);
    }

    private static string Heading(int status) => status switch
    {
        StatusCodes.Status400BadRequest => "That did not work",
        StatusCodes.Status401Unauthorized => "Please sign in",
        StatusCodes.Status403Forbidden => "You may not do this",
        StatusCodes.Status404NotFound => "There is nothing here",
        StatusCodes.Status503ServiceUnavailable or StatusCodes.Status507InsufficientStorage => "The server cannot do this now",
        >= 500 => "Something failed",
        _ => "That did not work",
    };

    private static bool IsApiPath(PathString path) => ApiPrefixes.Any(start => path.StartsWithSegments(start, StringComparison.OrdinalIgnoreCase));

    private static bool WantsPage(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);
}
