namespace Updraft.Server.Web;

/// <summary>Marks the routes that people look at: only they know the session cookie, and their errors are pages.</summary>
internal sealed record PageRoute
{
    public static readonly PageRoute Instance = new();

    /// <summary>Whether a request is for a page.</summary>
    public static bool Is(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<PageRoute>() is not null;
}
