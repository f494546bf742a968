namespace Updraft.Server.SignIn;

/// <summary>Where a login may send a browser.</summary>
internal static class LoopbackUrl
{
    private const string CliCallback = "http://localhost:12345/callback";

    /// <summary>Whether an address is a client's own, on the machine of the browser: the CLI's, or 127.0.0.1 with any port.</summary>
    public static bool IsAllowed(string? address) => address == CliCallback
        || (address is not null && address.StartsWith("http://127.0.0.1", StringComparison.Ordinal)
            && Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri is { Scheme: "http", Host: "127.0.0.1", UserInfo: "", Fragment: "" }
            && !address.Any(c => char.IsControl(c) || c is '\\' or ' '));

    /// <summary>A path on this server, escaped as this server writes it, or the root when it could lead anywhere else.</summary>
    public static string OwnPath(string? path) => path is ['/', ..] && !path.StartsWith("//", StringComparison.Ordinal)
        && !path.Any(c => c is <= ' ' or > '~' or '\\') && Uri.TryCreate(path, UriKind.Relative, out _) ? path : "/";
}
