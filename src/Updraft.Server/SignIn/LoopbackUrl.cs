namespace Updraft.Server.SignIn;

/// <summary>Checks the URLs to which a login may redirect a browser.</summary>
internal static class LoopbackUrl
{
    private const string CliCallback = "http://localhost:12345/callback";

    /// <summary>
    /// Whether a URL belongs to a client on the host of the browser: the callback of the CLI, or 127.0.0.1 with any port.
    /// </summary>
    public static bool IsAllowed(string? url) => url == CliCallback
        || (url is not null && url.StartsWith("http://127.0.0.1", StringComparison.Ordinal)
            && Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri is { Scheme: "http", Host: "127.0.0.1", UserInfo: "", Fragment: "" }
            && !url.Any(c => char.IsControl(c) || c is '\\' or ' '));

    /// <summary>
    /// The path itself if it is an escaped path on this server; else <c>/</c>, so that no login redirects to another server.
    /// </summary>
    public static string OwnPath(string? path) => path is ['/', ..] && !path.StartsWith("//", StringComparison.Ordinal)
        && !path.Any(c => c is <= ' ' or > '~' or '\\') && Uri.TryCreate(path, UriKind.Relative, out _) ? path : "/";
}
