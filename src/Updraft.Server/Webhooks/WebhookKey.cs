using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Webhooks;

/// <summary>
/// Encrypts the secrets of webhooks, which the server must be able to decrypt. An attacker with only the database cannot read them.
/// The key has its own file in the directory of the keys; only the file owner can read it:
/// <code>
/// keys/webhooks.key   32 random bytes: AES-256-GCM
/// </code>
/// </summary>
internal sealed class WebhookKey(IOptions<ServerOptions> options)
{
    private const string FileName = "webhooks.key";
    private const int NonceLength = 12, TagLength = 16;

    private readonly byte[] _key =
        SigningKeys.LoadOrCreate(Path.Join(options.Value.KeyDirectory(), FileName), static () => RandomNumberGenerator.GetBytes(32));

    /// <summary>The key as it is compared with the keys of other replicas.</summary>
    public SharedKey Shared => new("webhooks", FileName, Convert.ToHexStringLower(HMACSHA256.HashData(_key, "which key is this"u8)));

    /// <summary>Encrypts a text. The result can be decrypted only for the same webhook and purpose.</summary>
    /// <returns>Nonce, tag and ciphertext.</returns>
    public byte[] Seal(WebhookId webhook, string purpose, string text)
    {
        var plain = Encoding.UTF8.GetBytes(text);
        var result = new byte[NonceLength + TagLength + plain.Length];
        RandomNumberGenerator.Fill(result.AsSpan(0, NonceLength));
        using var aes = new AesGcm(_key, TagLength);
        aes.Encrypt(result.AsSpan(0, NonceLength), plain, result.AsSpan(NonceLength + TagLength), result.AsSpan(NonceLength, TagLength),
            Context(webhook, purpose));
        return result;
    }

    /// <summary>Decrypts a text.</summary>
    /// <exception cref="CryptographicException">The text was encrypted with another key or for another purpose, or it was
    /// changed.</exception>
    public string Open(WebhookId webhook, string purpose, byte[] sealedText)
    {
        if (sealedText.Length < NonceLength + TagLength)
            throw new CryptographicException("The encrypted text is too short.");
        var plain = new byte[sealedText.Length - NonceLength - TagLength];
        using var aes = new AesGcm(_key, TagLength);
        aes.Decrypt(sealedText.AsSpan(0, NonceLength), sealedText.AsSpan(NonceLength + TagLength),
            sealedText.AsSpan(NonceLength, TagLength), plain,
            Context(webhook, purpose));
        return Encoding.UTF8.GetString(plain);
    }

    private static byte[] Context(WebhookId webhook, string purpose) => Encoding.UTF8.GetBytes($"{webhook.Value} {purpose}");
}
