using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>The kind of caller that uses a token.</summary>
internal enum TokenKind
{
    Api,
    Agent,
}

/// <summary>A credential. The response that creates it contains the secret; the database stores only its hash.</summary>
internal sealed class ApiToken
{
    public required TokenId Id { get; init; }

    public required OrganizationId OrganizationId { get; init; }

    /// <summary>The home scope of the token, which its claims name. Set for tokens of a Workspace and of a Deployment.</summary>
    public WorkspaceId? WorkspaceId { get; init; }

    /// <summary>Set for tokens of a Deployment, and for agent tokens.</summary>
    public DeploymentId? DeploymentId { get; init; }

    public required TokenKind Kind { get; init; }

    /// <summary>One role for the home scope, and roles for scopes inside it.</summary>
    public List<Grant> Grants { get; init; } = [];

    public required string Name { get; set; }

    public required string Description { get; set; }

    /// <summary>SHA-256 of the whole secret.</summary>
    public required Digest Hash { get; set; }

    /// <summary>A few characters of the secret, by which users recognize the token.</summary>
    public required string ShortToken { get; set; }

    /// <summary>Whether the server signed the secret; false for a secret from the operator, which only the hash verifies.</summary>
    public required bool IsSigned { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfile CreatedBy { get; init; }

    public required DateTimeOffset UpdatedAt { get; set; }

    public required SubjectProfile UpdatedBy { get; set; }

    // Columns for sorts, derived from the JSON columns above. Only Entity Framework calls the setters.
    public string CreatedById { get => CreatedBy.Id; private set { } }

    public string UpdatedById { get => UpdatedBy.Id; private set { } }

    /// <summary>Time of the last rotation of the secret; null before the first one.</summary>
    public DateTimeOffset? LastRotatedAt { get; set; }

    /// <summary>Null for a token without expiry.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>The lifetime in the request that created the token, in days; null without one.</summary>
    public int? ExpiryPeriodInDays { get; init; }

    /// <summary>Time of the deletion, after which the token is invalid and not listed; null before.</summary>
    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>Time of the last use, stored about once a minute; null before the first use.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary>The level of the home scope.</summary>
    public RoleScope Scope => DeploymentId is not null ? RoleScope.Deployment
        : WorkspaceId is not null ? RoleScope.Workspace : RoleScope.Organization;

    /// <summary>The role for the home scope.</summary>
    public Role HomeRole => Grants.Single(grant => grant.Role.Scope() == Scope && grant.Contains(WorkspaceId, DeploymentId)).Role;

    /// <summary>The caller of requests with this token.</summary>
    public Subject ToSubject() => new(Kind == TokenKind.Agent ? SubjectKind.Agent : SubjectKind.ServiceKey, Id.Value, Name, OrganizationId,
        Grants);
}
