using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Security;

namespace Updraft.Server.Uploads;

/// <summary>
/// The URL that allows uploads for one deploy and one purpose until it expires:
/// <c>PUBLIC/uploads/DEPLOYMENT/DEPLOY/dags?se=EXPIRY&amp;sp=cw&amp;sr=b&amp;sv=VERSION&amp;sig=HMAC</c>. The parameters have the names
/// of an Azure shared access signature, because blob libraries keep these and encode them again. So the signature covers the decoded
/// values in any order. Clients may add only <c>comp</c>, <c>blockid</c>, <c>timeout</c> and
/// <c>api-version</c>.
/// </summary>
internal sealed class SignedUploadUrl(SigningKeys keys, IOptions<ServerOptions> server, IOptions<UploadOptions> options, TimeProvider clock)
{
    private const string Permissions = "cw", Resource = "b", Version = "2024-11-04", TimeFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>Creates the URL. The signature is last and hexadecimal, so that a change of any character invalidates it.</summary>
    public string Create(DeploymentId deployment, DeployId deploy, BundlePurpose purpose)
    {
        var expiry = clock.GetUtcNow().AddMinutes(options.Value.UrlLifetimeMinutes).ToString(TimeFormat, CultureInfo.InvariantCulture);
        return $"{server.Value.PublicUrl.TrimEnd('/')}/uploads/{deployment}/{deploy}/{Segment(purpose)}?se={Uri.EscapeDataString(expiry)}"
            + $"&sp={Permissions}&sr={Resource}&sv={Version}&sig={Sign(deployment, deploy, purpose, expiry)}";
    }

    /// <summary>Verifies the URL of a request.</summary>
    /// <exception cref="ApiException">403: the server did not sign exactly this URL, or it has expired.</exception>
    public void Check(DeploymentId deployment, DeployId deploy, BundlePurpose purpose, IQueryCollection query)
    {
        foreach (var (name, values) in query)
        {
            if (values.Count != 1 || name is not ("se" or "sp" or "sr" or "sv" or "sig" or "comp" or "blockid" or "timeout"
                or "api-version"))
                throw Rejected(UploadErrors.UrlInvalid, $"has an unexpected or repeated parameter '{ApiException.Shorten(name)}'. "
                    + "Use the URL of the deploy unchanged.");
        }
        var expiry = query["se"].ToString();
        if (query["sp"] != Permissions || query["sr"] != Resource || query["sv"] != Version
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(query["sig"].ToString()),
                Encoding.UTF8.GetBytes(Sign(deployment, deploy, purpose, expiry)))
            || !DateTimeOffset.TryParseExact(expiry, TimeFormat, CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal, out var until))
            throw Rejected(UploadErrors.UrlInvalid, "has a wrong signature. Use the URL of the deploy unchanged, or create a new deploy.");
        if (until < clock.GetUtcNow())
            throw Rejected(UploadErrors.UrlExpired, $"expired at {expiry}. Create a new deploy.");
    }

    /// <summary>The path segment of a purpose.</summary>
    public static string Segment(BundlePurpose purpose) => purpose == BundlePurpose.Dags ? "dags" : "bundle";

    private static ApiException Rejected(ErrorCode code, string reason) =>
        BlobError.Of(code, "AuthenticationFailed", $"The upload URL {reason}");

    private string Sign(DeploymentId deployment, DeployId deploy, BundlePurpose purpose, string expiry) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(keys.Uploads, Encoding.UTF8.GetBytes(
            $"updraft-upload 1\n{deployment}\n{deploy}\n{Segment(purpose)}\n{expiry}\n{Permissions}\n{Resource}\n{Version}")));
}
