using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Updraft.Server.Webhooks;

/// <summary>Secrets and signatures of the Standard Webhooks specification.</summary>
internal static class WebhookSecret
{
    /// <summary>How long the server also signs with the previous secret.</summary>
    public static readonly TimeSpan Overlap = TimeSpan.FromHours(24);

    /// <summary>Purpose of an encrypted secret; see <see cref="WebhookKey.Seal"/>.</summary>
    public const string Purpose = "secret";

    private const string Prefix = "whsec_";
    private const int Length = 32;

    /// <summary>A new secret: <c>whsec_</c> and 32 random bytes in base64.</summary>
    public static string Create() => Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(Length));

    /// <summary>The header <c>webhook-signature</c>: one signature for each secret, separated by a space.</summary>
    /// <param name="secrets">The valid secrets.</param>
    /// <param name="id">The header <c>webhook-id</c>.</param>
    /// <param name="timestamp">The header <c>webhook-timestamp</c>, in seconds since 1970.</param>
    /// <param name="body">The request body.</param>
    public static string Sign(IEnumerable<string> secrets, string id, long timestamp, string body)
    {
        var signed = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.{body}"));
        return string.Join(' ', secrets.Select(secret =>
            "v1," + Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(secret[Prefix.Length..]), signed))));
    }
}
