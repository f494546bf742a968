using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>
/// Creates API tokens and agent tokens. A token never has more permissions, a wider scope or a later expiry than its creator.
/// </summary>
internal sealed class CreateToken(UpdraftDbContext db, IssueToken issueToken, ResolveRoleScope roleScopes, EventLog events)
{
    /// <summary>Maximum length of a name, in code points.</summary>
    public const int MaxName = 255;

    private const int MaxDays = 3650;

    /// <param name="scopeField">The field of the request that contains the scope, for messages.</param>
    /// <exception cref="ApiException">
    /// 400: an invalid field. 403: more permissions than the caller has. 404: the caller sees no such Workspace or Deployment.
    /// </exception>
    public async Task<(ApiToken Row, string Token)> RunAsync(Subject subject, CreateApiTokenRequest request,
        CancellationToken cancellationToken, string scopeField = "scope")
    {
        var (name, days) = Check(request.Name, request.Description, request.TokenExpiryPeriodInDays);
        if (request.Kind is not (null or "STANDARD"))
            throw ApiException.BadRequest($"'kind' is '{ApiException.Shorten(request.Kind)}'. It must be STANDARD.");
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var grant = await roleScopes.FindAsync(subject, request.Scope, request.Role, request.EntityId, cancellationToken,
            scopeField);
        ResolveRoleScope.RejectPrivilegeEscalation(subject, grant, Permission.ManageTokens);
        return await SaveAsync(subject, Specify(subject, TokenKind.Api, grant, name, request.Description, days), write, cancellationToken);
    }

    /// <summary>Creates a token for the agents of one Deployment. It has no other permission.</summary>
    /// <exception cref="ApiException">
    /// 400: an invalid field. 403: the token would expire later than the caller's own token. 404: the Deployment does not exist.
    /// </exception>
    public async Task<(ApiToken Row, string Token)> RunAsync(Subject subject, DeploymentId deployment, CreateAgentTokenRequest request,
        CancellationToken cancellationToken)
    {
        var (name, days) = Check(request.Name, request.Description, request.TokenExpiryPeriodInDays);
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var grant = await roleScopes.FindDeploymentAsync(subject, Role.Agent, deployment.Value, cancellationToken);
        return await SaveAsync(subject, Specify(subject, TokenKind.Agent, grant, name, request.Description, days), write,
            cancellationToken);
    }

    /// <summary>The expiry of the caller's own token, which limits the tokens that it creates; null for no expiry.</summary>
    public static Task<DateTimeOffset?> ReadExpiryAsync(UpdraftDbContext db, Subject subject, CancellationToken cancellationToken)
    {
        var own = new TokenId(subject.Id);
        return db.ApiTokens.Where(row => row.Id == own).Select(row => row.ExpiresAt).SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>A caller whose own token expires cannot give permissions that stay after it.</summary>
    /// <param name="db">The database.</param>
    /// <param name="subject">The caller.</param>
    /// <param name="action">The action for the message, such as "activate a user".</param>
    /// <exception cref="ApiException">403: the caller's own token has an expiry.</exception>
    public static async Task RejectShortLivedAsync(UpdraftDbContext db, Subject subject, string action, CancellationToken cancellationToken)
    {
        if (await ReadExpiryAsync(db, subject, cancellationToken) is { } limit)
        {
            throw new ApiException(TokenErrors.OutlivesCaller,
                $"Your own token expires at {limit:yyyy-MM-dd'T'HH:mm:ss'Z'}, so it cannot {action}: the permissions would outlive it. "
                + "Use a token without expiry, or sign in as a user.");
        }
    }

    private async Task<(ApiToken Row, string Token)> SaveAsync(Subject subject, TokenSpec spec, WriteTransaction write,
        CancellationToken cancellationToken)
    {
        var (row, token) = issueToken.Run(spec);
        if (await ReadExpiryAsync(db, subject, cancellationToken) is { } limit && (row.ExpiresAt is null || row.ExpiresAt > limit))
        {
            throw new ApiException(TokenErrors.OutlivesCaller, "The token would expire later than your own token, which expires at "
                + $"{limit:yyyy-MM-dd'T'HH:mm:ss'Z'}. Choose a shorter 'tokenExpiryPeriodInDays'.");
        }
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
            throw ApiException.BadRequest($"'tokenExpiryPeriodInDays' is {days}. It must be 1 to {MaxDays}.");
        return (TextLimit.Name(name, "name", MaxName), days);
    }

    private static TokenSpec Specify(Subject subject, TokenKind kind, Grant grant, string name, string? description, int? days) => new()
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
