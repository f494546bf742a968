using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Updraft.Protocol.Cryptography;

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

    /// <summary>Exports the public part of a P-256 key pair.</summary>
    public static PublicKey Of(ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        var (x, y) = (Base64Url.EncodeToString(point.X), Base64Url.EncodeToString(point.Y));
        return new PublicKey { KeyType = "EC", Curve = "P-256", X = x, Y = y, KeyId = Thumbprint(x, y) };
    }

    /// <summary>Imports the key for verification.</summary>
    /// <exception cref="InvalidDataException">The key is not a P-256 point, or the key id is not its thumbprint.</exception>
    public ECDsa ToECDsa()
    {
        try
        {
            if (KeyType != "EC" || Curve != "P-256" || KeyId != Thumbprint(X, Y))
                throw new InvalidDataException("The key is not a P-256 key, or its 'kid' is not its thumbprint.");
            return ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256,
                Q = new ECPoint { X = Base64Url.DecodeFromChars(X), Y = Base64Url.DecodeFromChars(Y) },
            });
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException)
        {
            throw new InvalidDataException("The key is not a point of P-256.", exception);
        }
    }

    /// <summary>Verifies that the key is a P-256 point, and that the key id is its thumbprint.</summary>
    /// <exception cref="InvalidDataException">The key is invalid.</exception>
    public void Check()
    {
        if (!PortableCryptography.IsEnabled)
        {
            ToECDsa().Dispose();
            return;
        }
        try
        {
            if (KeyType == "EC" && Curve == "P-256" && KeyId == Thumbprint(X, Y)
                && PortableP256.IsPoint(Base64Url.DecodeFromChars(X), Base64Url.DecodeFromChars(Y)))
                return;
        }
        catch (FormatException exception)
        {
            throw new InvalidDataException("The key is not a point of P-256.", exception);
        }
        throw new InvalidDataException("The key is not a P-256 key, or its 'kid' is not its thumbprint.");
    }

    /// <summary>Whether a signature of 64 bytes is that of this key for the data.</summary>
    /// <exception cref="InvalidDataException">The key is invalid.</exception>
    internal bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (!PortableCryptography.IsEnabled)
        {
            using var verifier = ToECDsa();
            return verifier.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        Check();
        return PortableP256.Verify(Base64Url.DecodeFromChars(X), Base64Url.DecodeFromChars(Y), Digest.Of(data).ToArray(), signature);
    }

    private static string Thumbprint(string x, string y) =>
        Base64Url.EncodeToString(Digest.Of(Encoding.UTF8.GetBytes($$"""{"crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}""")).ToArray());
}

/// <summary>
/// A signed document: a JSON Web Signature in compact form (RFC 7515), ES256 only, with a fixed header. The type in
/// the header prevents the use of one kind of document as another kind.
/// </summary>
public static class SignedDocument
{
    /// <summary>Longest valid document, in characters.</summary>
    public const int MaxLength = 1024 * 1024;

    /// <summary>Signs a payload.</summary>
    /// <param name="payload">The bytes to sign, usually JSON.</param>
    /// <param name="type">Type of the document: letters, digits and hyphens.</param>
    /// <param name="key">P-256 private key.</param>
    /// <param name="keyId">The <see cref="PublicKey.KeyId"/> of the key.</param>
    public static string Sign(ReadOnlySpan<byte> payload, string type, ECDsa key, string keyId)
    {
        ArgumentNullException.ThrowIfNull(key);
        var input = Header(type, keyId) + "." + Base64Url.EncodeToString(payload);
        var signature = key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256,
            DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return input + "." + Base64Url.EncodeToString(signature);
    }

    /// <summary>Verifies a document and returns its payload.</summary>
    /// <param name="document">Document in compact form.</param>
    /// <param name="type">Expected type.</param>
    /// <param name="key">Trusted key.</param>
    /// <exception cref="InvalidDataException">
    /// The type, key, algorithm or signature is wrong, or the text is not a document.
    /// </exception>
    public static byte[] Verify(string document, string type, PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(key);
        if (document.Length > MaxLength)
            throw new InvalidDataException($"The signed document has {document.Length} characters; at most {MaxLength} are allowed.");
        var parts = document.Split('.');
        // The header is compared as text: it has exactly one valid form, and the sender cannot choose any part of it.
        if (parts.Length != 3 || parts[0] != Header(type, key.KeyId))
            throw new InvalidDataException("The type, key or algorithm of the signed document is not the expected one.");
        try
        {
            var signature = Base64Url.DecodeFromChars(parts[2]);
            if (!key.Verify(Encoding.ASCII.GetBytes(parts[0] + "." + parts[1]), signature))
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
