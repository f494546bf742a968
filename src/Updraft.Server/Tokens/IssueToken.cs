using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>What a token is to be.</summary>
internal sealed record TokenOrder
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

    /// <summary>Null for a token without end.</summary>
    public int? ExpiryPeriodInDays { get; init; }

    /// <summary>Null when the token creates itself, as the first one does.</summary>
    public SubjectProfile? CreatedBy { get; init; }
}

/// <summary>
/// Makes tokens: JSON Web Tokens signed with ES256 by the server's key, with the claims that the clients of the contract read without
/// verifying them. The row still has to be saved.
/// </summary>
internal sealed class IssueToken(SigningKeys keys, IOptions<ServerOptions> options, TimeProvider clock)
{
    /// <summary>Who a token is for: this API.</summary>
    public const string Audience = "updraft";

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly SigningCredentials _credentials = new(
        SigningKey(keys), SecurityAlgorithms.EcdsaSha256);

    /// <summary>Makes a token and the row that knows it.</summary>
    public (ApiToken Row, string Token) Run(TokenOrder order)
    {
        var now = WholeSecond(clock.GetUtcNow());
        DateTimeOffset? end = order.ExpiryPeriodInDays is { } days ? now.AddDays(days) : null;
        var id = new TokenId(EntityId.New(clock));
        var token = _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = options.Value.PublicUrl,
            Audience = Audience,
            IssuedAt = now.UtcDateTime,
            Expires = end?.UtcDateTime,
            Claims = Claims(order, id),
            SigningCredentials = _credentials,
        });
        return (Row(order, id, token, isSigned: true, now, end), token);
    }

    /// <summary>The row for a token that the operator chose.</summary>
    public ApiToken Adopt(TokenOrder order, string token) =>
        Row(order, new TokenId(EntityId.New(clock)), token, isSigned: false, clock.GetUtcNow(), end: null);

    /// <summary>The key for the token library, which otherwise keeps it for longer than this server lives.</summary>
    public static ECDsaSecurityKey SigningKey(SigningKeys keys) => new(keys.Signing)
    {
        KeyId = keys.Public.KeyId,
        CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false },
    };

    /// <summary>What is stored of a token.</summary>
    public static Digest HashOf(string token) => new(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private Dictionary<string, object> Claims(TokenOrder order, TokenId id)
    {
        // Clients split each entry at its colon and take their context from it, so it has exactly these.
        List<string> permissions = [$"apiTokenId:{id}"];
        if (order.Workspace is { } workspace)
            permissions.Add($"workspaceId:{workspace}");
        permissions.Add($"organizationId:{order.Organization}");
        if (order.Deployment is { } deployment)
            permissions.Add($"deploymentId:{deployment}");
        return new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["sub"] = id.Value,
            ["jti"] = id.Value,
            ["apiTokenId"] = id.Value,
            ["permissions"] = permissions.ToArray(),
            ["scope"] = order.Role.Scope().ToString().ToUpperInvariant(),
            ["version"] = "v1",
            ["isAstronomerGenerated"] = false,
            ["kid"] = keys.Public.KeyId,
        };
    }

    private static ApiToken Row(TokenOrder order, TokenId id, string token, bool isSigned, DateTimeOffset now, DateTimeOffset? end) => new()
    {
        Id = id,
        OrganizationId = order.Organization,
        WorkspaceId = order.Workspace,
        DeploymentId = order.Deployment,
        Kind = order.Kind,
        Role = order.Role,
        Name = order.Name,
        Description = order.Description,
        Hash = HashOf(token),
        // Of the hash, not of the token: nothing of the secret is kept or shown.
        ShortToken = HashOf(token).ToString()[..8],
        IsSigned = isSigned,
        CreatedAt = now,
        CreatedBy = order.CreatedBy ?? new SubjectProfile(id.Value, SubjectKind.ServiceKey, order.Name),
        ExpiresAt = end,
        ExpiryPeriodInDays = order.ExpiryPeriodInDays,
    };

    // A JWT counts whole seconds; the row says the same.
    private static DateTimeOffset WholeSecond(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
}
