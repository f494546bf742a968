using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Access;

/// <summary>Limits of the number of requests. The server rejects further ones with a 429 and <c>Retry-After</c>.</summary>
internal sealed class RateLimitOptions
{
    public const string Section = "RateLimits";

    /// <summary>
    /// Requests per minute from one IP address to the routes that need no token: sign-in, logins and readiness. Behind a reverse proxy, set
    /// <c>TrustedProxies</c>; otherwise all clients share one IP address. <c>0</c> turns the limit off.
    /// </summary>
    [Range(0, 1_000_000)]
    public int AnonymousPerMinute { get; set; } = 6000;

    /// <summary>Requests per minute of one user or API token. Agents have no limit. <c>0</c> turns the limit off.</summary>
    [Range(0, 10_000_000)]
    public int CallerPerMinute { get; set; }
}
