using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>Changes an API token: its name, its secret, its roles. Whoever changes a token has to reach all of its places.</summary>
internal sealed class ChangeToken(UpdraftDbContext db, IssueToken issueToken, ResolveRoleScope placeOfRole, TokenQueries queries, TokenCache cache,
    LastOwner lastOwner, TimeProvider clock, EventLog events)
{
    private const int MaxRoles = 1000;

    /// <summary>Gives it another name and description.</summary>
    /// <exception cref="ApiException">400: a bad field, or a role that is not the token's. 403, 404: as for every change.</exception>
    public Task<ApiToken> DescribeAsync(Subject subject, TokenId id, UpdateApiTokenRequest request, CancellationToken cancellationToken)
    {
        var name = TextLimit.Name(request.Name, "name", CreateToken.MaxName);
        TextLimit.Check(request.Description, "description", TextLimit.Description);
        return ChangeAsync(subject, id, EventTypes.TokenUpdated, row =>
        {
            (row.Name, row.Description) = (name, request.Description ?? "");
            return Task.CompletedTask;
        }, cancellationToken);
    }

    /// <summary>Gives it a new secret; the old one ends with the answer.</summary>
    /// <exception cref="ApiException">
    /// 403: the token may do more than the caller, or has no end while the caller's own token has one; 404: no such token that the caller sees.
    /// </exception>
    public async Task<(ApiToken Row, string Token)> RotateAsync(Subject subject, TokenId id, CancellationToken cancellationToken)
    {
        var token = "";
        var changed = await ChangeAsync(subject, id, EventTypes.TokenRotated, async row =>
        {
            foreach (var grant in row.Grants)
                ResolveRoleScope.RejectPrivilegeEscalation(subject, grant, Permission.ManageTokens);
            var limit = await CreateToken.EndOfAsync(db, subject, cancellationToken);
            if (limit is not null && row.ExpiryPeriodInDays is null)
                throw ResolveRoleScope.Refused("The token has no end, and the one that rotates it has; a token gives no longer life than its own.");
            token = issueToken.Rotate(row, limit);
        }, cancellationToken);
        return (changed, token);
    }

    /// <summary>Replaces all of its roles.</summary>
    /// <exception cref="ApiException">
    /// 400: not exactly one role for the token's home, a role outside of that, a place twice; 403: more than the caller has; 404: no such
    /// token or place that the caller sees.
    /// </exception>
    public async Task<ApiToken> GrantAsync(Subject subject, TokenId id, UpdateApiTokenRolesRequest request, CancellationToken cancellationToken)
    {
        if (request.Roles is not { Count: > 0 and <= MaxRoles } roles)
            throw ApiException.BadRequest($"'roles' must have 1 to {MaxRoles} entries.");
        return await ChangeAsync(subject, id, EventTypes.TokenRolesChanged, async row =>
        {
            var wanted = new List<Grant>();
            foreach (var role in roles)
            {
                if (string.IsNullOrEmpty(role?.EntityId))
                    throw ApiException.BadRequest("'entityId' is missing in 'roles'; it names the place that the role is for.");
                var grant = await placeOfRole.FindAsync(subject, role.EntityType, role.Role, role.EntityId, cancellationToken);
                if (wanted.Exists(other => other.EntityId == grant.EntityId))
                    throw ApiException.BadRequest($"'roles' names {grant.EntityId} twice.");
                wanted.Add(grant);
            }
            CheckHome(row, wanted);
            foreach (var grant in wanted)
                ResolveRoleScope.RejectPrivilegeEscalation(subject, grant, Permission.ManageTokens);
            row.Grants.ReplaceWith(wanted);
        }, cancellationToken);
    }

    /// <summary>Whoever changes or ends a token must be allowed to manage tokens in all of its places.</summary>
    /// <exception cref="ApiException">403: not in all of them.</exception>
    public static void RejectForeign(Subject subject, ApiToken row)
    {
        if (row.Grants.Exists(grant => !subject.May(Permission.ManageTokens, grant.WorkspaceId, grant.DeploymentId)))
            throw ResolveRoleScope.Refused("The token also has roles in places where the caller may not manage tokens.");
    }

    private async Task<ApiToken> ChangeAsync(Subject subject, TokenId id, string type, Func<ApiToken, Task> change, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var row = await queries.Visible(subject).AsTracking().SingleOrDefaultAsync(token => token.Id == id, cancellationToken)
            ?? throw ApiException.NotFound("token", id.Value);
        RejectForeign(subject, row);
        await change(row);
        (row.UpdatedAt, row.UpdatedBy) = (clock.GetUtcNow(), subject.Profile);
        events.Record(type, subject.Profile, row);
        await db.SaveChangesAsync(cancellationToken);
        await lastOwner.RejectNoneAsync(row.OrganizationId, cancellationToken);
        await write.CommitAsync(cancellationToken);
        cache.Forget();
        return row;
    }

    // The claims of a token name its home, and clients take their context from there: so it has a role there, and none outside.
    private static void CheckHome(ApiToken row, List<Grant> wanted)
    {
        var home = row.DeploymentId?.Value ?? row.WorkspaceId?.Value ?? row.OrganizationId.Value;
        if (!wanted.Exists(grant => grant.EntityId == home))
            throw ApiException.BadRequest($"'roles' must have one role for {home}, to which the token belongs.");
        if (wanted.Find(grant => !(row.WorkspaceId is null || row.WorkspaceId == grant.WorkspaceId)
            || !(row.DeploymentId is null || row.DeploymentId == grant.DeploymentId)) is { } outside)
            throw ApiException.BadRequest($"The token belongs to {home}; it cannot have a role for {outside.EntityId}, which is not inside.");
    }
}
