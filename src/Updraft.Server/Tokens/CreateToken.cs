using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>Makes API tokens and agent tokens. Nobody can make a token that may do, see or last more than he has.</summary>
internal sealed class CreateToken(UpdraftDbContext db, IssueToken issueToken, ResolveRoleScope placeOfRole, EventLog events)
{
    /// <summary>Longest name, in code points.</summary>
    public const int MaxName = 255;

    private const int MaxDays = 3650;

    /// <exception cref="ApiException">
    /// 400: a bad field. 404: no such Workspace or Deployment that the caller sees. 403: more than the caller has.
    /// </exception>
    public async Task<(ApiToken Row, string Token)> RunAsync(Subject subject, CreateApiTokenRequest request,
        CancellationToken cancellationToken)
    {
        var (name, days) = Check(request.Name, request.Description, request.TokenExpiryPeriodInDays);
        if (request.Kind is not (null or "STANDARD"))
            throw ApiException.BadRequest("'kind' must be STANDARD.");
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var grant = await placeOfRole.FindAsync(subject, request.Scope, request.Role, request.EntityId, cancellationToken);
        ResolveRoleScope.RejectPrivilegeEscalation(subject, grant, Permission.ManageTokens);
        return await SaveAsync(subject, Order(subject, TokenKind.Api, grant, name, request.Description, days), write, cancellationToken);
    }

    /// <summary>Makes a token for the agents of one Deployment; it can do nothing but what agents do.</summary>
    /// <exception cref="ApiException">400: a bad field. 403: it would outlive the caller's own token. 404: no such Deployment.</exception>
    public async Task<(ApiToken Row, string Token)> RunAsync(Subject subject, DeploymentId deployment, CreateAgentTokenRequest request,
        CancellationToken cancellationToken)
    {
        var (name, days) = Check(request.Name, request.Description, request.TokenExpiryPeriodInDays);
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var grant = await placeOfRole.FindDeploymentAsync(subject, Role.Agent, deployment.Value, cancellationToken);
        return await SaveAsync(subject, Order(subject, TokenKind.Agent, grant, name, request.Description, days), write, cancellationToken);
    }

    /// <summary>When the caller's own token ends, before which everything ends that it makes; null for never.</summary>
    public static Task<DateTimeOffset?> EndOfAsync(UpdraftDbContext db, Subject subject, CancellationToken cancellationToken)
    {
        var own = new TokenId(subject.Id);
        return db.ApiTokens.Where(row => row.Id == own).Select(row => row.ExpiresAt).SingleOrDefaultAsync(cancellationToken);
    }

    private async Task<(ApiToken Row, string Token)> SaveAsync(Subject subject, TokenSpec order, WriteTransaction write,
        CancellationToken cancellationToken)
    {
        var (row, token) = issueToken.Run(order);
        if (await EndOfAsync(db, subject, cancellationToken) is { } limit && (row.ExpiresAt is null || row.ExpiresAt > limit))
            throw ResolveRoleScope.Refused($"The token would outlive the one that makes it, which ends at {limit:yyyy-MM-dd'T'HH:mm:ss'Z'}.");
        db.ApiTokens.Add(row);
        events.Record(row.Kind == TokenKind.Agent ? EventTypes.AgentTokenCreated : EventTypes.TokenCreated, subject.Profile, row);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return (row, token);
    }

    private static (string Name, int? Days) Check(string? name, string? description, int? days)
    {
        TextLimit.Check(description, "description", TextLimit.Description);
        if (days is < 1 or > MaxDays)
            throw ApiException.BadRequest($"'tokenExpiryPeriodInDays' must be 1 to {MaxDays}.");
        return (TextLimit.Name(name, "name", MaxName), days);
    }

    private static TokenSpec Order(Subject subject, TokenKind kind, Grant grant, string name, string? description, int? days) => new()
    {
        Kind = kind,
        Role = grant.Role,
        Organization = subject.Organization,
        Workspace = grant.WorkspaceId,
        Deployment = grant.DeploymentId,
        Name = name,
        Description = description ?? "",
        ExpiryPeriodInDays = days,
        CreatedBy = subject.Profile,
    };
}
