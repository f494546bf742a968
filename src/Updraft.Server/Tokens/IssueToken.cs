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

    /// <summary>Null for a token without end.</summary>
    public int? ExpiryPeriodInDays { get; init; }

    /// <summary>Null when the token creates itself, as the first one does.</summary>
    public SubjectProfile? CreatedBy { get; init; }

    /// <summary>The role for the place.</summary>
    public Grant Grant => Grant.For(Role, Organization, Workspace, Deployment);
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
    public (ApiToken Row, string Token) Run(TokenSpec order)
    {
        var now = WholeSecond(clock.GetUtcNow());
        DateTimeOffset? end = order.ExpiryPeriodInDays is { } days ? now.AddDays(days) : null;
        var row = Row(order, "", isSigned: true, now, end);
        return (row, Sign(row, now));
    }

    /// <summary>
    /// Gives a token a new secret: the old one is none from the commit on. A token with an end lasts as many days again as it was made
    /// for, but no longer than <paramref name="limit"/>.
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

    /// <summary>The row for a token that the operator chose.</summary>
    public ApiToken Adopt(TokenSpec order, string token) =>
        Row(order, token, isSigned: false, clock.GetUtcNow(), end: null);

    /// <summary>The key for the token library, which otherwise keeps it for longer than this server lives.</summary>
    public static ECDsaSecurityKey SigningKey(SigningKeys keys) => new(keys.Signing)
    {
        KeyId = keys.Public.KeyId,
        CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false },
    };

    /// <summary>What is stored of a token.</summary>
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
        // Clients split each entry at its colon and take their context from it, so it has exactly these.
        List<string> permissions = [$"apiTokenId:{row.Id}"];
        if (row.WorkspaceId is { } workspace)
            permissions.Add($"workspaceId:{workspace}");
        permissions.Add($"organizationId:{row.OrganizationId}");
        if (row.DeploymentId is { } deployment)
            permissions.Add($"deploymentId:{deployment}");
        return new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["sub"] = row.Id.Value,
            // Two secrets of one token differ even when they are made in the same second.
            ["jti"] = EntityId.New(clock),
            ["apiTokenId"] = row.Id.Value,
            ["permissions"] = permissions.ToArray(),
            ["scope"] = row.Scope.ToString().ToUpperInvariant(),
            ["version"] = "v1",
            ["isAstronomerGenerated"] = false,
            ["kid"] = keys.Public.KeyId,
        };
    }

    private ApiToken Row(TokenSpec order, string token, bool isSigned, DateTimeOffset now, DateTimeOffset? end)
    {
        var id = new TokenId(EntityId.New(clock));
        var by = order.CreatedBy ?? new SubjectProfile(id.Value, SubjectKind.ServiceKey, order.Name);
        return new ApiToken
        {
            Id = id,
            OrganizationId = order.Organization,
            WorkspaceId = order.Workspace,
            DeploymentId = order.Deployment,
            Kind = order.Kind,
            Grants = [order.Grant],
            Name = order.Name,
            Description = order.Description,
            Hash = HashOf(token),
            ShortToken = Shorten(HashOf(token)),
            IsSigned = isSigned,
            CreatedAt = now,
            CreatedBy = by,
            UpdatedAt = now,
            UpdatedBy = by,
            ExpiresAt = end,
            ExpiryPeriodInDays = order.ExpiryPeriodInDays,
        };
    }

    // Of the hash, not of the token: nothing of the secret is kept or shown.
    private static string Shorten(Digest hash) => hash.ToString()[..8];

    // A JWT counts whole seconds; the row says the same.
    private static DateTimeOffset WholeSecond(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
}
