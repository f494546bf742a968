using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace Updraft.Protocol;

/// <summary>A public ECDSA P-256 key as a JSON Web Key (RFC 7517).</summary>
public sealed record PublicKey
{
    /// <summary>Always <c>EC</c>.</summary>
    [JsonPropertyName("kty")]
    public required string KeyType { get; init; }

    /// <summary>Always <c>P-256</c>.</summary>
    [JsonPropertyName("crv")]
    public required string Curve { get; init; }

    /// <summary>X coordinate, 32 bytes, base64url.</summary>
    [JsonPropertyName("x")]
    public required string X { get; init; }

    /// <summary>Y coordinate, 32 bytes, base64url.</summary>
    [JsonPropertyName("y")]
    public required string Y { get; init; }

    /// <summary>RFC 7638 thumbprint of the key (SHA-256, base64url).</summary>
    [JsonPropertyName("kid")]
    public required string KeyId { get; init; }

    /// <summary>The public half of a key pair.</summary>
    public static PublicKey Of(ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        var (x, y) = (Base64Url.EncodeToString(point.X), Base64Url.EncodeToString(point.Y));
        return new PublicKey { KeyType = "EC", Curve = "P-256", X = x, Y = y, KeyId = Thumbprint(x, y) };
    }

    /// <summary>Imports the key for verification.</summary>
    /// <exception cref="InvalidDataException">Not a P-256 point, or the key id is not its thumbprint.</exception>
    public ECDsa ToECDsa()
    {
        try
        {
            if (KeyType != "EC" || Curve != "P-256" || KeyId != Thumbprint(X, Y))
                throw new InvalidDataException("The key is no P-256 key, or its kid is not its thumbprint.");
            return ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256,
                Q = new ECPoint { X = Base64Url.DecodeFromChars(X), Y = Base64Url.DecodeFromChars(Y) },
            });
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException)
        {
            throw new InvalidDataException("The key is no point of P-256.", exception);
        }
    }

    private static string Thumbprint(string x, string y) =>
        Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes($$"""{"crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}""")));
}

/// <summary>
/// A signed document: a JSON Web Signature in compact form (RFC 7515), ES256 only, with a fixed header. The type in
/// the header keeps one kind of document from being taken for another.
/// </summary>
public static class SignedDocument
{
    /// <summary>Longest document that is looked at, in characters.</summary>
    public const int MaxLength = 1024 * 1024;

    /// <summary>Signs a payload.</summary>
    /// <param name="payload">The bytes to sign, usually JSON.</param>
    /// <param name="type">The document's type: letters, digits and hyphens.</param>
    /// <param name="key">A P-256 private key.</param>
    /// <param name="keyId">The key's <see cref="PublicKey.KeyId"/>.</param>
    public static string Sign(ReadOnlySpan<byte> payload, string type, ECDsa key, string keyId)
    {
        ArgumentNullException.ThrowIfNull(key);
        var input = Header(type, keyId) + "." + Base64Url.EncodeToString(payload);
        var signature = key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return input + "." + Base64Url.EncodeToString(signature);
    }

    /// <summary>Checks a document and returns its payload.</summary>
    /// <param name="document">The compact form.</param>
    /// <param name="type">The type that is expected.</param>
    /// <param name="key">The key that must have signed it.</param>
    /// <exception cref="InvalidDataException">Another type, key or algorithm, a wrong signature, or not a document.</exception>
    public static byte[] Verify(string document, string type, PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(key);
        if (document.Length > MaxLength)
            throw new InvalidDataException($"The signed document is longer than {MaxLength} characters.");
        var parts = document.Split('.');
        // The header is compared as text: there is exactly one way to write it, and nothing in it is negotiable.
        if (parts.Length != 3 || parts[0] != Header(type, key.KeyId))
            throw new InvalidDataException("The signed document has another type, key or algorithm than expected.");
        try
        {
            var signature = Base64Url.DecodeFromChars(parts[2]);
            using var verifier = key.ToECDsa();
            if (!verifier.VerifyData(Encoding.ASCII.GetBytes(parts[0] + "." + parts[1]), signature, HashAlgorithmName.SHA256,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation))
                throw new InvalidDataException("The signature of the document is wrong.");
            return Base64Url.DecodeFromChars(parts[1]);
        }
        catch (FormatException exception)
        {
            throw new InvalidDataException("The signed document is not base64url.", exception);
        }
    }

    private static string Header(string type, string keyId) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(
        $$"""{"alg":"ES256","typ":"{{type}}","kid":"{{keyId}}"}"""));
}
