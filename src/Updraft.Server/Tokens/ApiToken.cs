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

    /// <summary>Where the token is at home, and what its claims name. Set for tokens of a Workspace and of a Deployment.</summary>
    public WorkspaceId? WorkspaceId { get; init; }

    /// <summary>Set for tokens of a Deployment, which agent tokens are too.</summary>
    public DeploymentId? DeploymentId { get; init; }

    public required TokenKind Kind { get; init; }

    /// <summary>What it may do and where: one role for its home, and roles for places inside that.</summary>
    public List<Grant> Grants { get; init; } = [];

    public required string Name { get; set; }

    public required string Description { get; set; }

    /// <summary>SHA-256 of the whole token.</summary>
    public required Digest Hash { get; set; }

    /// <summary>A few characters of the token by which people recognise it.</summary>
    public required string ShortToken { get; set; }

    /// <summary>Whether this server signed it; false for one that the operator chose, which counts by its hash alone.</summary>
    public required bool IsSigned { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfile CreatedBy { get; init; }

    public required DateTimeOffset UpdatedAt { get; set; }

    public required SubjectProfile UpdatedBy { get; set; }

    // Columns for sorts, derived from the JSON columns above. Only Entity Framework calls the setters.
    public string CreatedById { get => CreatedBy.Id; private set { } }

    public string UpdatedById { get => UpdatedBy.Id; private set { } }

    /// <summary>When it got its present secret; null while that is the first one.</summary>
    public DateTimeOffset? LastRotatedAt { get; set; }

    /// <summary>Null for a token without end.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>The lifetime that its creator asked for, in days.</summary>
    public int? ExpiryPeriodInDays { get; init; }

    /// <summary>Set when it was deleted; it is refused and not shown from then on.</summary>
    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>About when it was used last; brought up to date every minute.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary>The level of its home.</summary>
    public RoleScope Scope => DeploymentId is not null ? RoleScope.Deployment : WorkspaceId is not null ? RoleScope.Workspace : RoleScope.Organization;

    /// <summary>The role for its home.</summary>
    public Role HomeRole => Grants.Single(grant => grant.Role.Scope() == Scope && grant.Contains(WorkspaceId, DeploymentId)).Role;

    /// <summary>Who acts with the token.</summary>
    public Subject ToSubject() => new(Kind == TokenKind.Agent ? SubjectKind.Agent : SubjectKind.ServiceKey, Id.Value, Name, OrganizationId, Grants);
}
