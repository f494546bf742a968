using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Updraft.Protocol;
using Updraft.Server.Tokens;

namespace Updraft.Server.SignIn;

/// <summary>What a client asked for when it sent a browser here.</summary>
internal sealed record AuthorizationRequest(string RedirectUri, string Challenge, string? State, DateTimeOffset EndsAt);

/// <summary>
/// The codes that a browser carries from here to the client: each works once, for a minute, and only for who knows the verifier. They are
/// kept in memory: after a restart the login is repeated.
/// </summary>
internal sealed class AuthorizationCodes(TimeProvider clock)
{
    private const int MaxCodes = 10_000;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<Digest, (UserId User, AuthorizationRequest Request, DateTimeOffset EndsAt)> _codes = new();

    /// <summary>Makes a code for a person.</summary>
    public string Issue(UserId user, AuthorizationRequest request)
    {
        foreach (var (hash, entry) in _codes)
        {
            if (entry.EndsAt <= clock.GetUtcNow() || _codes.Count >= MaxCodes)
                _codes.TryRemove(hash, out _);
        }
        var code = NewSecret();
        _codes[IssueToken.HashOf(code)] = (user, request, clock.GetUtcNow() + Lifetime);
        return code;
    }

    /// <summary>Uses a code up; null when it is none, is too old, or does not belong to the verifier and the address.</summary>
    public UserId? Redeem(string code, string verifier, string redirectUri)
    {
        if (!_codes.TryRemove(IssueToken.HashOf(code), out var entry) || entry.EndsAt <= clock.GetUtcNow() || entry.Request.RedirectUri != redirectUri)
            return null;
        var challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(challenge), Encoding.ASCII.GetBytes(entry.Request.Challenge))
            ? entry.User : null;
    }

    /// <summary>256 random bits as text.</summary>
    public static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
}
