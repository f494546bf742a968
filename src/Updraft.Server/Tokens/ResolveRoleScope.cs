using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Tokens;

/// <summary>Turns the roles of a request into grants, and refuses what the caller may not give away.</summary>
internal sealed class ResolveRoleScope(UpdraftDbContext db)
{
    /// <summary>A role for a place by the names of the wire. The caller has to see the place.</summary>
    /// <param name="subject">The caller.</param>
    /// <param name="scope"><c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</param>
    /// <param name="role">A role of that scope.</param>
    /// <param name="entity">Id of the place; may be absent for the Organization.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ApiException">400: no such role, or not of that scope. 404: no such place that the caller sees.</exception>
    public async Task<Grant> FindAsync(Subject subject, string? scope, string? role, string? entity, CancellationToken cancellationToken)
    {
        var found = ReadRole(scope, role);
        if (found.Scope() == RoleScope.Organization)
        {
            return entity is null or "" || entity == subject.Organization.Value ? Grant.For(found, subject.Organization, null, null)
                : throw ApiException.NotFound("Organization", entity);
        }
        if (string.IsNullOrEmpty(entity))
            throw ApiException.BadRequest($"'entityId' is missing; it names the {found.Scope()} that the role is for.");
        return found.Scope() == RoleScope.Workspace
            ? Grant.For(found, subject.Organization, await FindWorkspaceAsync(subject, entity, cancellationToken), null)
            : await FindDeploymentAsync(subject, found, entity, cancellationToken);
    }

    /// <summary>A role for a Deployment.</summary>
    /// <exception cref="ApiException">404: no such Deployment that the caller sees.</exception>
    public async Task<Grant> FindDeploymentAsync(Subject subject, Role role, string entity, CancellationToken cancellationToken)
    {
        var id = new DeploymentId(entity);
        var workspace = await db.Deployments
            .Where(row => row.Id == id && row.OrganizationId == subject.Organization && row.DeletedAt == null)
            .Select(row => (WorkspaceId?)row.WorkspaceId).SingleOrDefaultAsync(cancellationToken);
        return workspace is not null && subject.Touches(Permission.ReadDeployment, workspace, id)
            ? Grant.For(role, subject.Organization, workspace, id) : throw ApiException.NotFound("Deployment", entity);
    }

    /// <summary>Nobody gives away more than he has.</summary>
    /// <param name="subject">The caller.</param>
    /// <param name="grant">What is to be given.</param>
    /// <param name="permission">What giving it needs in that place.</param>
    /// <exception cref="ApiException">403: the caller has less, or may not give roles in that place.</exception>
    public static void RejectPrivilegeEscalation(Subject subject, Grant grant, Permission permission)
    {
        if (!subject.May(permission, grant.WorkspaceId, grant.DeploymentId))
            throw Refused($"The caller may not give roles for {grant.EntityId}: that reaches further than its own roles allow.");
        if (!subject.HasAll(grant))
            throw Refused($"The role {grant.Role.Name()} for {grant.EntityId} may do more than the caller's own roles.");
    }

    /// <summary>403 with its reason.</summary>
    public static ApiException Refused(string why) => new(StatusCodes.Status403Forbidden, why);

    private static Role ReadRole(string? scope, string? name)
    {
        scope = TextLimit.OneOf(scope ?? "", "scope", "", "ORGANIZATION", "WORKSPACE", "DEPLOYMENT");
        var role = RoleCatalog.Find(name ?? "");
        if (role is null or Role.Agent)
            throw ApiException.BadRequest($"'role' is '{ApiException.Shorten(name ?? "")}', which is no role that can be given.");
        if (!role.Value.Scope().ToString().Equals(scope, StringComparison.OrdinalIgnoreCase))
            throw ApiException.BadRequest($"The role {name} cannot be given for the scope {scope}.");
        return role.Value;
    }

    private async Task<WorkspaceId> FindWorkspaceAsync(Subject subject, string entity, CancellationToken cancellationToken)
    {
        var id = new WorkspaceId(entity);
        var isThere = await db.Workspaces.AnyAsync(row => row.Id == id && row.OrganizationId == subject.Organization, cancellationToken);
        return isThere && subject.Touches(Permission.ReadWorkspace, id) ? id : throw ApiException.NotFound("Workspace", entity);
    }
}
