using Microsoft.Extensions.Options;

namespace Updraft.Server.Api;

/// <summary>Logs settings that work but are probably a mistake, once at the start.</summary>
internal sealed partial class WarnAtStart(IOptions<ServerOptions> server, IConfiguration configuration, ILogger<WarnAtStart> log)
{
    public void Run()
    {
        var (publicUrl, listen) = (server.Value.PublicUrl, server.Value.Listen);
        if (publicUrl.StartsWith("http://", StringComparison.Ordinal) && !IsThisHost(publicUrl))
            LogUnencrypted(publicUrl);
        if (string.IsNullOrEmpty(configuration[nameof(ServerOptions.PublicUrl)]) && !IsThisHost(listen))
            LogNoPublicUrl(listen, publicUrl);
    }

    // Listen may have the host *, which is no valid URL.
    private static bool IsThisHost(string url) => Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.IsLoopback;

    [LoggerMessage(1, LogLevel.Warning, "PublicUrl is {PublicUrl}, so tokens and cookies travel unencrypted. Set it to an https URL, and "
        + "put a reverse proxy with TLS in front of the server.")]
    private partial void LogUnencrypted(string publicUrl);

    [LoggerMessage(2, LogLevel.Warning, "The server listens on {Listen}, but PublicUrl is not set. Upload URLs begin with {PublicUrl}, "
        + "which other hosts cannot reach. Set PublicUrl to the URL that clients use.")]
    private partial void LogNoPublicUrl(string listen, string publicUrl);
}
