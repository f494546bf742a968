using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Updraft.Server.Telemetry;

/// <summary>Where metrics can be had; section <c>Metrics</c>. Nowhere unless set.</summary>
internal sealed class MetricOptions : IValidatableObject
{
    private const int MinToken = 16;

    /// <summary>Address at which <c>/metrics</c> is served, and nothing else. Not the address of the API.</summary>
    [RegularExpression(@"^http://[^/?#\s]+/?$", ErrorMessage = "Metrics:Listen must be an address such as http://127.0.0.1:9464.")]
    public string? Listen { get; set; }

    /// <summary>What a scrape must send as bearer token; without one the address must be of this machine alone.</summary>
    public string? Token { get; set; }

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!string.IsNullOrEmpty(Token) && (Token.Length < MinToken || Token.Any(c => c is <= ' ' or >= (char)0x7f)))
            yield return new($"Metrics:Token must have at least {MinToken} visible ASCII characters, without blanks.");
        // What is no address to .NET, such as http://*:9464, Kestrel takes for every interface.
        if (!string.IsNullOrEmpty(Listen) && string.IsNullOrEmpty(Token)
            && !(Uri.TryCreate(Listen, UriKind.Absolute, out var address) && IsLocal(address.Host)))
            yield return new("Metrics:Listen is an address that other machines reach; set Metrics:Token too, or listen on 127.0.0.1.");
    }

    private static bool IsLocal(string host) => host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
}
