using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>The properties of a new token.</summary>
internal sealed record TokenSpec
{
    public required TokenKind Kind { get; init; }

    public required Role Role { get; init; }

    public required OrganizationId Organization { get; init; }

    /// <summary>Required for tokens of a Workspace or a Deployment.</summary>
    public WorkspaceId? Workspace { get; init; }

    /// <summary>Required for tokens of a Deployment.</summary>
    public DeploymentId? Deployment { get; init; }

    public required string Name { get; init; }

    public string Description { get; init; } = "";

    /// <summary>Null for a token without expiry.</summary>
    public int? ExpiryPeriodInDays { get; init; }

    /// <summary>Null for the owner token of the first start, which is its own creator.</summary>
    public SubjectProfile? CreatedBy { get; init; }

    /// <summary>The role with its scope.</summary>
    public Grant Grant => Grant.For(Role, Organization, Workspace, Deployment);
}

/// <summary>
/// Issues tokens: JSON Web Tokens, signed with ES256 by the server's key. Clients of the contract read their claims without verifying
/// them. The caller must save the row.
/// </summary>
internal sealed class IssueToken(SigningKeys keys, IOptions<ServerOptions> options, TimeProvider clock)
{
    /// <summary>The claim <c>aud</c> of all tokens.</summary>
    public const string Audience = "updraft";

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly SigningCredentials _credentials = new(
        SigningKey(keys), SecurityAlgorithms.EcdsaSha256);

    /// <summary>Issues a token, and returns it with its row.</summary>
    public (ApiToken Row, string Token) Run(TokenSpec spec)
    {
        var now = WholeSecond(clock.GetUtcNow());
        DateTimeOffset? expiresAt = spec.ExpiryPeriodInDays is { } days ? now.AddDays(days) : null;
        var row = Row(spec, "", isSigned: true, now, expiresAt);
        return (row, Sign(row, now));
    }

    /// <summary>
    /// Replaces the secret of a token. The old secret stops working with the commit. A token with an expiry is valid for its full period
    /// again, but at most until <paramref name="limit"/>.
    /// </summary>
    public string Rotate(ApiToken row, DateTimeOffset? limit)
    {
        var now = WholeSecond(clock.GetUtcNow());
        row.ExpiresAt = row.ExpiryPeriodInDays is { } days ? now.AddDays(days) : null;
        if (limit < row.ExpiresAt)
            row.ExpiresAt = limit;
        row.LastRotatedAt = now;
        return Sign(row, now);
    }

    /// <summary>The row of a token that the operator chose.</summary>
    public ApiToken Adopt(TokenSpec spec, string token) =>
        Row(spec, token, isSigned: false, clock.GetUtcNow(), expiresAt: null);

    /// <summary>
    /// The key for the token library. Without its own factory, the library would keep the key longer than the server runs.
    /// </summary>
    public static ECDsaSecurityKey SigningKey(SigningKeys keys) => new(keys.Signing)
    {
        KeyId = keys.Public.KeyId,
        CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false },
    };

    /// <summary>SHA-256 of a token. The database stores it instead of the token.</summary>
    public static Digest HashOf(string token) => new(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private string Sign(ApiToken row, DateTimeOffset now)
    {
        var token = _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = options.Value.PublicUrl,
            Audience = Audience,
            IssuedAt = now.UtcDateTime,
            Expires = row.ExpiresAt?.UtcDateTime,
            Claims = Claims(row),
            SigningCredentials = _credentials,
        });
        (row.Hash, row.ShortToken, row.IsSigned) = (HashOf(token), Shorten(HashOf(token)), true);
        return token;
    }

    private Dictionary<string, object> Claims(ApiToken row)
    {
        // Clients split each entry at its colon and take their context from it, so these entries must be complete and exact.
        List<string> permissions = [$"apiTokenId:{row.Id}"];
        if (row.WorkspaceId is { } workspace)
            permissions.Add($"workspaceId:{workspace}");
        permissions.Add($"organizationId:{row.OrganizationId}");
        if (row.DeploymentId is { } deployment)
            permissions.Add($"deploymentId:{deployment}");
        return new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["sub"] = row.Id.Value,
            // Two secrets of one token differ, even if they are issued in the same second.
            ["jti"] = EntityId.New(clock),
            ["apiTokenId"] = row.Id.Value,
            ["permissions"] = permissions.ToArray(),
            ["scope"] = row.Scope.ToString().ToUpperInvariant(),
            ["version"] = "v1",
            ["isAstronomerGenerated"] = false,
            ["kid"] = keys.Public.KeyId,
        };
    }

    private ApiToken Row(TokenSpec spec, string token, bool isSigned, DateTimeOffset now, DateTimeOffset? expiresAt)
    {
        var id = new TokenId(EntityId.New(clock));
        var by = spec.CreatedBy ?? new SubjectProfile(id.Value, SubjectKind.ServiceKey, spec.Name);
        return new ApiToken
        {
            Id = id,
            OrganizationId = spec.Organization,
            WorkspaceId = spec.Workspace,
            DeploymentId = spec.Deployment,
            Kind = spec.Kind,
            Grants = [spec.Grant],
            Name = spec.Name,
            Description = spec.Description,
            Hash = HashOf(token),
            ShortToken = Shorten(HashOf(token)),
            IsSigned = isSigned,
            CreatedAt = now,
            CreatedBy = by,
            UpdatedAt = now,
            UpdatedBy = by,
            ExpiresAt = expiresAt,
            ExpiryPeriodInDays = spec.ExpiryPeriodInDays,
        };
    }

    // Part of the hash, not of the token: the server stores and shows no part of the secret.
    private static string Shorten(Digest hash) => hash.ToString()[..8];

    // A JWT has whole seconds, so the row has the same times.
    private static DateTimeOffset WholeSecond(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
}
