using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Updraft.Server.Telemetry;

/// <summary>Metrics for Prometheus.</summary>
internal sealed class MetricOptions : IValidatableObject
{
    public const string Section = "Metrics";

    private const int MinTokenLength = 16;

    /// <summary>
    /// URL on which the server serves <c>/metrics</c> and nothing else. Use another port than <c>Listen</c>. Default: the server serves no
    /// metrics.
    /// </summary>
    [RegularExpression(@"^http://[^/?#\s]+/?$", ErrorMessage = "Metrics:Listen must be a URL such as http://127.0.0.1:9464.")]
    public string? Listen { get; set; }

    /// <summary>
    /// Bearer token that a scrape must send. Required unless <see cref="Listen"/> is a loopback URL. Prefer the environment variable to the
    /// command line.
    /// </summary>
    /// <value>at least 16 visible ASCII characters</value>
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
