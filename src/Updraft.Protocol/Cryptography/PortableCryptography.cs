using System.Security.Cryptography;

namespace Updraft.Protocol.Cryptography;

/// <summary>
/// Switches to implementations in C# for systems without OpenSSL, where .NET ends the process at the first use of its own ones. They only
/// hash and verify public data, so they need no protection of secrets. They are some times slower.
/// </summary>
public static class PortableCryptography
{
    private static volatile bool _isEnabled;

    /// <summary>Whether this process uses them. Default: false.</summary>
    public static bool IsEnabled { get => _isEnabled; set => _isEnabled = value; }

    /// <summary>Computes a SHA-256 value.</summary>
    /// <param name="content">The bytes.</param>
    /// <param name="hash">Receives 32 bytes.</param>
    internal static void Sha256(ReadOnlySpan<byte> content, Span<byte> hash)
    {
        if (!IsEnabled)
        {
            SHA256.HashData(content, hash);
            return;
        }
        var portable = new PortableSha256();
        portable.Append(content);
        portable.Complete(hash);
    }

    /// <summary>Fills a buffer with characters of an alphabet of at most 256, at random.</summary>
    internal static void Randomize(ReadOnlySpan<char> alphabet, Span<char> text)
    {
        if (!IsEnabled)
        {
            RandomNumberGenerator.GetItems(alphabet, text);
            return;
        }
        using var random = File.OpenRead("/dev/urandom");
        var max = 256 - 256 % alphabet.Length;
        for (var i = 0; i < text.Length;)
        {
            // Values above the largest multiple would make some characters more frequent.
            if (random.ReadByte() is >= 0 and var value && value < max)
                text[i++] = alphabet[value % alphabet.Length];
        }
    }
}
