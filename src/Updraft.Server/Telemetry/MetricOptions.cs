using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Updraft.Server.Telemetry;

/// <summary>Where the server publishes metrics; section <c>Metrics</c>. Off by default.</summary>
internal sealed class MetricOptions : IValidatableObject
{
    private const int MinTokenLength = 16;

    /// <summary>URL under which the server publishes <c>/metrics</c> and nothing else. It must differ from the URL of the API.</summary>
    [RegularExpression(@"^http://[^/?#\s]+/?$", ErrorMessage = "Metrics:Listen must be a URL such as http://127.0.0.1:9464.")]
    public string? Listen { get; set; }

    /// <summary>Bearer token that a scrape must send. Without one, <see cref="Listen"/> must name a loopback address.</summary>
    public string? Token { get; set; }

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!string.IsNullOrEmpty(Token) && (Token.Length < MinTokenLength || Token.Any(c => c is <= ' ' or >= (char)0x7f)))
            yield return new($"Metrics:Token must have at least {MinTokenLength} visible ASCII characters, without spaces.");
        // Uri cannot parse http://*:9464, but Kestrel binds it to every interface.
        if (!string.IsNullOrEmpty(Listen) && string.IsNullOrEmpty(Token)
            && !(Uri.TryCreate(Listen, UriKind.Absolute, out var url) && IsLoopback(url.Host)))
            yield return new("Metrics:Listen is reachable from other hosts, and Metrics:Token is not set. "
                + "Set Metrics:Token, or listen on 127.0.0.1.");
    }

    private static bool IsLoopback(string host) =>
        host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
}
