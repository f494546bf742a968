namespace Updraft.Server.Api;

/// <summary>Supports HEAD wherever GET works, because monitors and load balancers send it.</summary>
internal static class HeadRequests
{
    // Uploads and the registry have a HEAD of their own. Agents send none, and their GET waits.
    private static readonly string[] Excluded = ["/uploads", "/v2", "/agent"];

    /// <summary>Treats HEAD as GET. The web server sends no body in response to HEAD. Call it before the routing.</summary>
    public static void UseHead(this WebApplication app) => app.Use((context, next) =>
    {
        var request = context.Request;
        // A stream of events would not end.
        if (HttpMethods.IsHead(request.Method) && request.Path.Value?.EndsWith("/events", StringComparison.Ordinal) == false
            && !Array.Exists(Excluded, path => request.Path.StartsWithSegments(path, StringComparison.Ordinal)))
            request.Method = HttpMethods.Get;
        return next(context);
    });
}
