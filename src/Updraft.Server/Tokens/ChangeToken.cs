using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>Changes the name, secret or roles of an API token. The caller needs permission in the scopes of all its roles.</summary>
internal sealed class ChangeToken(UpdraftDbContext db, IssueToken issueToken, ResolveRoleScope roleScopes, TokenQueries queries,
    TokenCache cache,
    LastOwner lastOwner, TimeProvider clock, EventLog events)
{
    private const int MaxRoles = 1000;

    /// <summary>Sets the name and description.</summary>
    /// <exception cref="ApiException">
    /// 400: an invalid field. 403: the token has roles in scopes where the caller may not manage tokens. 404: the caller sees no such
    /// token.
    /// </exception>
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

    /// <summary>Replaces the secret. The old secret stops working with the response.</summary>
    /// <exception cref="ApiException">
    /// 403: the token has more permissions than the caller, or it has no expiry and the caller's own token has one. 404: the caller sees no
    /// such token.
    /// </exception>
    public async Task<(ApiToken Row, string Token)> RotateAsync(Subject subject, TokenId id, CancellationToken cancellationToken)
    {
        var token = "";
        var changed = await ChangeAsync(subject, id, EventTypes.TokenRotated, async row =>
        {
            foreach (var grant in row.Grants)
                ResolveRoleScope.RejectPrivilegeEscalation(subject, grant, Permission.ManageTokens);
            var limit = await CreateToken.ReadExpiryAsync(db, subject, cancellationToken);
            if (limit is not null && row.ExpiryPeriodInDays is null)
            {
                throw new ApiException(TokenErrors.OutlivesCaller, "The token has no expiry, but your own token has one. "
                    + "Rotate it with a token that has no expiry.");
            }
            token = issueToken.Rotate(row, limit);
        }, cancellationToken);
        return (changed, token);
    }

    /// <summary>Replaces all roles.</summary>
    /// <exception cref="ApiException">
    /// 400: no role for the scope of the token, a role outside of it, or two roles for one scope. 403: more permissions than the
    /// caller has, or a new role that would outlive the caller's own token. 404: the caller sees no such token or scope.
    /// </exception>
    public async Task<ApiToken> GrantAsync(Subject subject, TokenId id, UpdateApiTokenRolesRequest request,
        CancellationToken cancellationToken)
    {
        if (request.Roles is not { Count: > 0 and <= MaxRoles } roles)
            throw ApiException.BadRequest($"'roles' has {request.Roles?.Count ?? 0} entries. It must have 1 to {MaxRoles}.");
        return await ChangeAsync(subject, id, EventTypes.TokenRolesChanged, async row =>
        {
            var grants = new List<Grant>();
            foreach (var role in roles)
            {
                if (string.IsNullOrEmpty(role?.EntityId))
                    throw ApiException.BadRequest("An entry of 'roles' has no 'entityId'. Set it to the ID of the scope of the role.");
                var grant = await roleScopes.FindAsync(subject, role.EntityType, role.Role, role.EntityId, cancellationToken,
                    "entityType");
                if (grants.Exists(other => other.EntityId == grant.EntityId))
                    throw ApiException.BadRequest($"'roles' has two roles for {grant.EntityId}. Send one.");
                grants.Add(grant);
            }
            CheckScope(row, grants);
            await RejectLongerLifeAsync(subject, row, grants, cancellationToken);
            foreach (var grant in grants)
                ResolveRoleScope.RejectPrivilegeEscalation(subject, grant, Permission.ManageTokens);
            row.Grants.ReplaceWith(grants);
        }, cancellationToken);
    }

    /// <summary>A caller needs the permission to manage tokens in the scopes of all roles of the token.</summary>
    /// <exception cref="ApiException">403: the caller has no such permission in one of the scopes.</exception>
    public static void RejectForeign(Subject subject, ApiToken row)
    {
        if (row.Grants.Find(grant => !subject.May(Permission.ManageTokens, grant.WorkspaceId, grant.DeploymentId)) is { } foreign)
        {
            throw new ApiException(TokenErrors.ForeignScope,
                $"The token also has a role for {foreign.EntityId}, where you may not manage tokens. "
                + "Use a token that may manage tokens in all its scopes.");
        }
    }

    private async Task<ApiToken> ChangeAsync(Subject subject, TokenId id, string type, Func<ApiToken, Task> change,
        CancellationToken cancellationToken)
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

    // A token that expires must not promote a token that stays: its holder would keep the permissions.
    private async Task RejectLongerLifeAsync(Subject subject, ApiToken row, List<Grant> grants, CancellationToken cancellationToken)
    {
        if (grants.TrueForAll(grant => row.Grants.Exists(old => old.EntityId == grant.EntityId && old.Role == grant.Role)))
            return;
        if (await CreateToken.ReadExpiryAsync(db, subject, cancellationToken) is { } limit
            && (row.ExpiresAt is null || row.ExpiresAt > limit))
            await CreateToken.RejectShortLivedAsync(db, subject, "add a role to a token that expires later", cancellationToken);
    }

    // The claims of a token name its scope, and clients take their context from there. So it needs a role there, and none outside of it.
    private static void CheckScope(ApiToken row, List<Grant> grants)
    {
        var scope = row.DeploymentId?.Value ?? row.WorkspaceId?.Value ?? row.OrganizationId.Value;
        if (!grants.Exists(grant => grant.EntityId == scope))
            throw ApiException.BadRequest($"'roles' has no role for {scope}, the scope of the token. Add one.");
        if (grants.Find(grant => !(row.WorkspaceId is null || row.WorkspaceId == grant.WorkspaceId)
            || !(row.DeploymentId is null || row.DeploymentId == grant.DeploymentId)) is { } outside)
        {
            throw ApiException.BadRequest($"The scope of the token is {scope}. It cannot have a role for {outside.EntityId}, which is "
                + "outside "
                + "of that scope. Create another token.");
        }
    }
}
