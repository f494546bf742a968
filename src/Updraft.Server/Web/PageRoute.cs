namespace Updraft.Server.Web;

/// <summary>Marks the routes of the web UI. Only these routes accept the session cookie, and their errors are HTML pages.</summary>
internal sealed record PageRoute
{
    public static readonly PageRoute Instance = new();

    /// <summary>Whether the request matches a route of the web UI.</summary>
    public static bool Matches(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<PageRoute>() is not null;
}
