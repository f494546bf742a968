using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>Who carries a token.</summary>
internal enum TokenKind
{
    Api,
    Agent,
}

/// <summary>A credential. The token itself is shown once and kept nowhere; what is stored is its hash.</summary>
internal sealed class ApiToken
{
    public required TokenId Id { get; init; }

    public required OrganizationId OrganizationId { get; init; }

    /// <summary>Set for tokens of a Workspace and of a Deployment.</summary>
    public WorkspaceId? WorkspaceId { get; init; }

    /// <summary>Set for tokens of a Deployment, which agent tokens are too.</summary>
    public DeploymentId? DeploymentId { get; init; }

    public required TokenKind Kind { get; init; }

    public required Role Role { get; init; }

    public required string Name { get; init; }

    public required string Description { get; init; }

    /// <summary>SHA-256 of the whole token.</summary>
    public required Digest Hash { get; init; }

    /// <summary>A few characters of the token by which people recognise it.</summary>
    public required string ShortToken { get; init; }

    /// <summary>Whether this server signed it; false for one that the operator chose, which counts by its hash alone.</summary>
    public required bool IsSigned { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfile CreatedBy { get; init; }

    /// <summary>Null for a token without end.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The lifetime that its creator asked for, in days.</summary>
    public int? ExpiryPeriodInDays { get; init; }

    /// <summary>Set when it was deleted; it is refused and not shown from then on.</summary>
    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>About when it was used last; brought up to date every minute.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary>Who acts with the token.</summary>
    public Subject ToSubject() => new(Kind == TokenKind.Agent ? SubjectKind.Agent : SubjectKind.ServiceKey, Id.Value, Name, OrganizationId,
        WorkspaceId, DeploymentId, Role);
}
