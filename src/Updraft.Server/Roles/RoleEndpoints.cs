using System.ComponentModel.DataAnnotations;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Organizations;
using Updraft.Server.Security;

namespace Updraft.Server.Roles;

/// <summary>Endpoints of roles: those of <see cref="RoleCatalog"/>. Updraft has no custom roles.</summary>
internal static class RoleEndpoints
{
    private static readonly Role[] Grantable = [.. Enum.GetValues<Role>().Except([Role.Agent])];

    public static void MapRoles(this IEndpointRouteBuilder routes)
    {
        var organization = routes.MapGroup("/organizations/{organizationId}");
        organization.MapGet("/roles", List).Requires(Permission.ReadRoles).Operation("ListRoles");
        organization.MapGet("/roles/{roleId}", GetAsync).Requires(Permission.ReadRoles).Operation("GetCustomRole");
        organization.MapGet("/role-templates", ListTemplates).Requires(Permission.ReadRoles).Operation("ListRoleTemplates");
        routes.MapGet("/authorization/permission-groups", ListGroups).Requires(Permission.ReadSelf).Operation("ListPermissionGroups");
    }

    private static RolesPaginated List(Paging paging, bool? includeDefaultRoles,
        [AllowedValues("ORGANIZATION", "WORKSPACE", "DEPLOYMENT", "DAG")] string[]? scopeTypes) => new()
        {
            DefaultRoles = includeDefaultRoles == true ? ListTemplates(scopeTypes) : null,
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = 0,
        };

    private static DefaultRoleResponse[] ListTemplates(
        [AllowedValues("ORGANIZATION", "WORKSPACE", "DEPLOYMENT", "DAG")] string[]? scopeTypes) => [.. Grantable
        .Select(role => new DefaultRoleResponse
        {
            Name = role.Name(),
            Description = Describe(role),
            ScopeType = Scope(role),
            Permissions = ContractPermissions.Of(role),
        })
        .Where(role => scopeTypes is not { Length: > 0 } || scopeTypes.Contains(role.ScopeType, StringComparer.Ordinal))];

    private static async Task<RoleWithPermissionResponse> GetAsync(OrganizationId organizationId, string roleId, UpdraftDbContext db,
        CancellationToken cancellationToken)
    {
        if (RoleCatalog.Find(roleId) is not { } role || role == Role.Agent)
            throw ApiException.NotFound("role", roleId);
        var organization = await db.Organizations.AsNoTracking().SingleAsync(row => row.Id == organizationId, cancellationToken);
        var by = organization.CreatedBy.ToResponse();
        return new RoleWithPermissionResponse
        {
            Id = role.Name(),
            Name = role.Name(),
            Description = Describe(role),
            ScopeType = Scope(role),
            Permissions = ContractPermissions.Of(role),
            CreatedAt = organization.CreatedAt,
            CreatedBy = by,
            UpdatedAt = organization.CreatedAt,
            UpdatedBy = by,
        };
    }

    private static PermissionGroupResponse[] ListGroups(
        [AllowedValues("ORGANIZATION", "WORKSPACE", "DEPLOYMENT", "DAG")] string? scopeType) => [.. ContractPermissions.All
        .Select(name => (Group: name[..name.LastIndexOf('.')], Action: name[(name.LastIndexOf('.') + 1)..]))
        .Where(name => string.IsNullOrEmpty(scopeType) || name.Group.Split('.')[0].Equals(scopeType, StringComparison.OrdinalIgnoreCase))
        .GroupBy(name => name.Group, StringComparer.Ordinal)
        .Select(group => new PermissionGroupResponse
        {
            Name = group.Key,
            Scope = group.Key.Replace('.', ' '),
            Description = $"Permissions for {group.Key.Split('.')[^1]} of a {group.Key.Split('.')[0]}.",
            Permissions = [.. group.Select(name =>
                new PermissionEntryResponse { Action = name.Action, Description = $"Allows {group.Key}.{name.Action}." })],
        })];

    private static string Describe(Role role) => role switch
    {
        Role.OrganizationOwner => "Manages the Organization and everything in it.",
        Role.OrganizationBillingAdmin or Role.OrganizationMember => "Sees the Organization. Access to Workspaces needs further roles.",
        Role.WorkspaceOwner => "Manages a Workspace, its users, tokens and Deployments.",
        Role.WorkspaceOperator => "Creates, changes and deletes the Deployments of a Workspace, and deploys to them.",
        Role.WorkspaceAuthor => "Deploys to the Deployments of a Workspace.",
        Role.WorkspaceMember => "Sees a Workspace, its Deployments and deploys.",
        Role.DeploymentAdmin => "Manages one Deployment and its tokens, and deploys to it.",
        _ => "Reads and reports as an agent.",
    };

    private static string Scope(Role role) => role.Scope().ToString().ToUpperInvariant();
}
