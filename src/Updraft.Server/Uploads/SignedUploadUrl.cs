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
/// The address to which one deploy uploads for one purpose, until it expires:
/// <c>PUBLIC/uploads/DEPLOYMENT/DEPLOY/dags?se=EXPIRY&amp;sp=cw&amp;sr=b&amp;sv=VERSION&amp;sig=HMAC</c>. The query has
/// the names of an Azure shared access signature, which the clients' blob libraries carry along and re-encode; so the
/// signature is over the decoded values, whatever their order. Only <c>comp</c>, <c>blockid</c> and <c>timeout</c> may be added.
/// </summary>
internal sealed class SignedUploadUrl(SigningKeys keys, IOptions<ServerOptions> server, IOptions<UploadOptions> options, TimeProvider clock)
{
    private const string Permissions = "cw", Resource = "b", Version = "2024-11-04", TimeFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>Makes the address; the signature stands last and is hexadecimal, so every changed character counts.</summary>
    public string Create(DeploymentId deployment, DeployId deploy, BundlePurpose purpose)
    {
        var expiry = clock.GetUtcNow().AddMinutes(options.Value.UrlLifetimeMinutes).ToString(TimeFormat, CultureInfo.InvariantCulture);
        return $"{server.Value.PublicUrl.TrimEnd('/')}/uploads/{deployment}/{deploy}/{Segment(purpose)}?se={Uri.EscapeDataString(expiry)}"
            + $"&sp={Permissions}&sr={Resource}&sv={Version}&sig={Sign(deployment, deploy, purpose, expiry)}";
    }

    /// <summary>Checks a request's address.</summary>
    /// <exception cref="ApiException">403: not signed by this server for exactly this, or expired.</exception>
    public void Check(DeploymentId deployment, DeployId deploy, BundlePurpose purpose, IQueryCollection query)
    {
        foreach (var (name, values) in query)
        {
            if (values.Count != 1 || name is not ("se" or "sp" or "sr" or "sv" or "sig" or "comp" or "blockid" or "timeout"))
                throw Refused("has a parameter that does not belong to it");
        }
        var expiry = query["se"].ToString();
        if (query["sp"] != Permissions || query["sr"] != Resource || query["sv"] != Version
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(query["sig"].ToString()),
                Encoding.UTF8.GetBytes(Sign(deployment, deploy, purpose, expiry)))
            || !DateTimeOffset.TryParseExact(expiry, TimeFormat, CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal, out var until))
            throw Refused("is not one that this server signed");
        if (until < clock.GetUtcNow())
            throw Refused($"expired at {expiry}; create a new deploy");
    }

    /// <summary>How a purpose is written in an address.</summary>
    public static string Segment(BundlePurpose purpose) => purpose == BundlePurpose.Dags ? "dags" : "bundle";

    private static ApiException Refused(string why) =>
        new(StatusCodes.Status403Forbidden, $"The upload address {why}.") { BlobErrorCode = "AuthenticationFailed" };

    private string Sign(DeploymentId deployment, DeployId deploy, BundlePurpose purpose, string expiry) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(keys.Uploads, Encoding.UTF8.GetBytes(
            $"updraft-upload 1\n{deployment}\n{deploy}\n{Segment(purpose)}\n{expiry}\n{Permissions}\n{Resource}\n{Version}")));
}
