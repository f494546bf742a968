using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;
using Updraft.Server.Tokens;

namespace Updraft.Server.Users;

/// <summary>
/// Replaces the roles of a user in the caller's scopes: an owner of the Organization replaces all roles, an owner of a Workspace the roles
/// in that Workspace. The other roles stay.
/// </summary>
internal sealed class UpdateUserRoles(UpdraftDbContext db, ResolveRoleScope roleScopes, TokenCache cache, LastOwner lastOwner,
    TimeProvider clock,
    EventLog events)
{
    private const int MaxRoles = 1000;

    /// <param name="subject">The caller.</param>
    /// <param name="id">The user.</param>
    /// <param name="request">The new roles.</param>
    /// <param name="sent">Names of the fields in the request, if the roles of an absent field stay. Null if they are removed.</param>
    /// <exception cref="ApiException">
    /// 400: an unknown role, two roles for one scope, or the last owner. 403: more permissions than the caller has, or the caller's
    /// own token has an expiry. 404: the user does not
    /// exist, or the caller sees no such scope.
    /// </exception>
    public async Task<IReadOnlyCollection<Grant>> RunAsync(Subject subject, UserId id, UpdateUserRolesRequest request, IReadOnlySet<string>? sent,
        CancellationToken cancellationToken)
    {
        var reach = subject.Reach(Permission.ManageUserRoles);
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var user = await db.Users.SingleOrDefaultAsync(row => row.Id == id && row.OrganizationId == subject.Organization, cancellationToken)
            ?? throw ApiException.NotFound("user", id.Value);
        var replacement = await ReadAsync(subject, request, cancellationToken);
        var added = replacement.FindAll(grant => !user.Grants.Exists(old => old.EntityId == grant.EntityId && old.Role == grant.Role));
        foreach (var grant in added)
            ResolveRoleScope.RejectPrivilegeEscalation(subject, grant, Permission.ManageUserRoles);
        if (added.Count > 0)
            await CreateToken.RejectShortLivedAsync(db, subject, "give a role to a user", cancellationToken);
        // A request that repeats a role from claims does not make it a role that an owner granted: the next sign-in can still remove it.
        foreach (var grant in replacement)
            grant.IsFromClaims = user.Grants.Exists(old => old.EntityId == grant.EntityId && old.Role == grant.Role && old.IsFromClaims);
        var untouched = user.Grants.Where(old => (!reach.Covers(old) || IsAbsent(old, sent))
            && !replacement.Exists(grant => grant.EntityId == old.EntityId));
        var before = user.CopyGrants();
        user.Grants.ReplaceWith([.. replacement, .. untouched]);
        user.UpdatedAt = clock.GetUtcNow();
        events.RecordRoles(subject.Profile, user, before);
        await db.SaveChangesAsync(cancellationToken);
        await lastOwner.RejectNoneAsync(user.OrganizationId, cancellationToken);
        await write.CommitAsync(cancellationToken);
        cache.Forget();
        return [.. user.Grants.Where(reach.Covers)];
    }

    /// <summary>Whether the request says nothing about roles of this kind of scope.</summary>
    private static bool IsAbsent(Grant grant, IReadOnlySet<string>? sent) => sent?.Contains(grant.Role.Scope() switch
    {
        RoleScope.Organization => "organizationRole",
        RoleScope.Workspace => "workspaceRoles",
        _ => "deploymentRoles",
    }) == false;

    private async Task<List<Grant>> ReadAsync(Subject subject, UpdateUserRolesRequest request, CancellationToken cancellationToken)
    {
        if (request.DagRoles is { Count: > 0 })
            throw ApiException.BadRequest("'dagRoles' must be empty. Updraft has no roles for DAGs. Give a role for the Deployment.");
        var roles = new List<(string Scope, string? Role, string? Entity)>();
        if (!string.IsNullOrEmpty(request.OrganizationRole))
            roles.Add(("ORGANIZATION", request.OrganizationRole, null));
        roles.AddRange((request.WorkspaceRoles ?? []).Select(role => ("WORKSPACE", role?.Role, role?.WorkspaceId)));
        roles.AddRange((request.DeploymentRoles ?? []).Select(role => ("DEPLOYMENT", role?.Role, role?.DeploymentId)));
        if (roles.Count > MaxRoles)
            throw ApiException.BadRequest($"The request has {roles.Count} roles. Send at most {MaxRoles}.");
        var grants = new List<Grant>();
        foreach (var (scope, role, entity) in roles)
        {
            var grant = await roleScopes.FindAsync(subject, scope, role, entity, cancellationToken);
            if (grants.Exists(other => other.EntityId == grant.EntityId))
                throw ApiException.BadRequest($"The request has two roles for {grant.EntityId}. Send one.");
            grants.Add(grant);
        }
        return grants;
    }
}
