using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Webhooks;

/// <summary>
/// Seals what webhooks keep secret and the server must be able to read again: whoever has the database alone has nothing. A file of its own
/// in the folder of keys, readable by the owner only:
/// <code>
/// keys/webhooks.key   32 random bytes: AES-256-GCM
/// </code>
/// </summary>
internal sealed class WebhookKey(IOptions<ServerOptions> options)
{
    private const string FileName = "webhooks.key";
    private const int NonceLength = 12, TagLength = 16;

    private readonly byte[] _key = SigningKeys.LoadOrCreate(Path.Join(options.Value.KeyDirectory(), FileName), static () => RandomNumberGenerator.GetBytes(32));

    /// <summary>By which another server's key is compared with this one.</summary>
    public SharedKey Shared => new("webhooks", FileName, Convert.ToHexStringLower(HMACSHA256.HashData(_key, "which key is this"u8)));

    /// <summary>Nonce, tag and ciphertext. It opens for the same webhook and purpose only.</summary>
    public byte[] Seal(WebhookId webhook, string purpose, string text)
    {
        var plain = Encoding.UTF8.GetBytes(text);
        var result = new byte[NonceLength + TagLength + plain.Length];
        RandomNumberGenerator.Fill(result.AsSpan(0, NonceLength));
        using var aes = new AesGcm(_key, TagLength);
        aes.Encrypt(result.AsSpan(0, NonceLength), plain, result.AsSpan(NonceLength + TagLength), result.AsSpan(NonceLength, TagLength), Context(webhook, purpose));
        return result;
    }

    /// <summary>What was sealed.</summary>
    /// <exception cref="CryptographicException">It was sealed with another key, for something else, or was changed.</exception>
    public string Open(WebhookId webhook, string purpose, byte[] sealedText)
    {
        if (sealedText.Length < NonceLength + TagLength)
            throw new CryptographicException("What was sealed is cut off.");
        var plain = new byte[sealedText.Length - NonceLength - TagLength];
        using var aes = new AesGcm(_key, TagLength);
        aes.Decrypt(sealedText.AsSpan(0, NonceLength), sealedText.AsSpan(NonceLength + TagLength), sealedText.AsSpan(NonceLength, TagLength), plain,
            Context(webhook, purpose));
        return Encoding.UTF8.GetString(plain);
    }

    private static byte[] Context(WebhookId webhook, string purpose) => Encoding.UTF8.GetBytes($"{webhook.Value} {purpose}");
}
