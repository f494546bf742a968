using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Updraft.Protocol;
using Updraft.Protocol.Api;

namespace Updraft.Server.Images;

/// <summary>Signs tokens for the registry. The caller must check the permissions first.</summary>
internal sealed class SignRegistryToken(RegistryKey key, IOptions<ImageOptions> options, TimeProvider clock)
{
    /// <summary>The <c>issuer</c> of the registry's token settings.</summary>
    public const string Issuer = "updraft";

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    /// <param name="subject">ID of the caller, for the registry's log.</param>
    /// <param name="access">Repositories and actions that the token allows.</param>
    public RegistryTokenResponse Run(string subject, IReadOnlyList<RegistryAccess> access)
    {
        // A JWT has whole seconds, so the response has the same times.
        var now = DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds());
        var token = new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = options.Value.Service,
            IssuedAt = now.UtcDateTime,
            NotBefore = now.UtcDateTime,
            Expires = (now + Lifetime).UtcDateTime,
            Claims = new Dictionary<string, object>(StringComparer.Ordinal)
            {
                ["sub"] = subject,
                ["jti"] = EntityId.New(clock),
                ["access"] = JsonSerializer.SerializeToElement(access, ApiJson.Default.IReadOnlyListRegistryAccess),
            },
            AdditionalHeaderClaims = new Dictionary<string, object>(StringComparer.Ordinal) { ["x5c"] = key.Chain },
            SigningCredentials = key.Signing,
        });
        return new RegistryTokenResponse { Token = token, AccessToken = token, ExpiresIn = (int)Lifetime.TotalSeconds, IssuedAt = now };
    }
}
