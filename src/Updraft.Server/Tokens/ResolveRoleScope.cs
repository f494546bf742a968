using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Tokens;

/// <summary>Turns the roles of a request into grants, and rejects grants that the caller may not make.</summary>
internal sealed class ResolveRoleScope(UpdraftDbContext db)
{
    /// <summary>A grant by the names of the API. The caller must see the scope.</summary>
    /// <param name="subject">The caller.</param>
    /// <param name="scope"><c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</param>
    /// <param name="role">A role of that scope.</param>
    /// <param name="entity">ID of the scope; may be null for the Organization.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <param name="field">The field of the request that contains the scope, for messages.</param>
    /// <exception cref="ApiException">400: the role does not exist for the scope. 404: the caller sees no such scope.</exception>
    public async Task<Grant> FindAsync(Subject subject, string? scope, string? role, string? entity, CancellationToken cancellationToken,
        string field = "scope")
    {
        var found = ReadRole(scope, role, field);
        if (found.Scope() == RoleScope.Organization)
        {
            return entity is null or "" || entity == subject.Organization.Value ? Grant.For(found, subject.Organization, null, null)
                : throw ApiException.NotFound("Organization", entity);
        }
        if (string.IsNullOrEmpty(entity))
            throw ApiException.BadRequest($"'entityId' is missing. Set it to the ID of the {found.Scope()} for the role {found.Name()}.");
        return found.Scope() == RoleScope.Workspace
            ? Grant.For(found, subject.Organization, await FindWorkspaceAsync(subject, entity, cancellationToken), null)
            : await FindDeploymentAsync(subject, found, entity, cancellationToken);
    }

    /// <summary>A grant of a role for a Deployment.</summary>
    /// <exception cref="ApiException">404: the caller sees no such Deployment.</exception>
    public async Task<Grant> FindDeploymentAsync(Subject subject, Role role, string entity, CancellationToken cancellationToken)
    {
        var id = new DeploymentId(entity);
        var workspace = await db.Deployments
            .Where(row => row.Id == id && row.OrganizationId == subject.Organization && row.DeletedAt == null)
            .Select(row => (WorkspaceId?)row.WorkspaceId).SingleOrDefaultAsync(cancellationToken);
        return workspace is not null && subject.Touches(Permission.ReadDeployment, workspace, id)
            ? Grant.For(role, subject.Organization, workspace, id) : throw ApiException.NotFound("Deployment", entity);
    }

    /// <summary>Callers can grant only permissions that they have.</summary>
    /// <param name="subject">The caller.</param>
    /// <param name="grant">The grant to make.</param>
    /// <param name="permission">The permission that the caller needs in its scope.</param>
    /// <exception cref="ApiException">403: the caller has fewer permissions, or may not grant roles in the scope.</exception>
    public static void RejectPrivilegeEscalation(Subject subject, Grant grant, Permission permission)
    {
        if (!subject.May(permission, grant.WorkspaceId, grant.DeploymentId))
        {
            throw new ApiException(TokenErrors.PrivilegeEscalation,
                $"You may not grant roles for {grant.EntityId}: your own roles do not cover "
                + "this scope. Ask an owner of the scope.");
        }
        if (!subject.HasAll(grant))
        {
            throw new ApiException(TokenErrors.PrivilegeEscalation,
                $"The role {grant.Role.Name()} for {grant.EntityId} has more permissions "
                + "than your own roles. You can grant only permissions that you have.");
        }
    }

    private static Role ReadRole(string? scope, string? name, string field)
    {
        if (scope is "DAG" or "TAG")
            throw ApiException.BadRequest($"'{field}' is '{scope}', but Updraft has no roles for DAGs and tags. Use DEPLOYMENT.");
        scope = TextLimit.OneOf(scope ?? "", field, "", "ORGANIZATION", "WORKSPACE", "DEPLOYMENT");
        var role = RoleCatalog.Find(name ?? "");
        if (role is null or Role.Agent)
            throw ApiException.BadRequest($"'role' is '{ApiException.Shorten(name ?? "")}', which is not a role. GET roles lists all "
                + "roles.");
        if (!role.Value.Scope().ToString().Equals(scope, StringComparison.OrdinalIgnoreCase))
            throw ApiException.BadRequest($"The role {name} cannot be granted for the scope {scope}. It is a role of a scope "
                + $"{role.Value.Scope()}.");
        return role.Value;
    }

    private async Task<WorkspaceId> FindWorkspaceAsync(Subject subject, string entity, CancellationToken cancellationToken)
    {
        var id = new WorkspaceId(entity);
        var exists = await db.Workspaces.AnyAsync(row => row.Id == id && row.OrganizationId == subject.Organization, cancellationToken);
        return exists && subject.Touches(Permission.ReadWorkspace, id) ? id : throw ApiException.NotFound("Workspace", entity);
    }
}
