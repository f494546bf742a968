using Updraft.Server.Security;

namespace Updraft.Server.Tests.Security;

/// <summary>The permissions of each role in its own Organization, Workspace and Deployment, as a table.</summary>
internal static class AuthorizationTable
{
    /// <summary>The columns: all roles, in the order of the values below.</summary>
    public static readonly Role[] Callers =
    [
        Role.OrganizationOwner, Role.OrganizationBillingAdmin, Role.OrganizationMember, Role.WorkspaceOwner, Role.WorkspaceOperator,
        Role.WorkspaceAuthor, Role.WorkspaceMember, Role.DeploymentAdmin, Role.Agent,
    ];

    // 0: the request reaches its route. Otherwise the status that it gets.
    private static readonly Dictionary<Permission, int[]> Rows = new()
    {
        //                                  Org:owner bill memb | Ws: owner oper auth memb | Dep | Agent
        [Permission.ListOrganizations] = [0, 0, 0, 0, 0, 0, 0, 0, 403],
        [Permission.ReadOrganization] = [0, 0, 0, 0, 0, 0, 0, 0, 403],
        [Permission.UpdateOrganization] = [0, 403, 403, 403, 403, 403, 403, 403, 403],
        [Permission.ReadClusters] = [0, 403, 403, 0, 0, 0, 0, 0, 403],
        [Permission.ManageClusters] = [0, 403, 403, 403, 403, 403, 403, 403, 403],
        [Permission.ReadDeploymentOptions] = [0, 403, 403, 0, 0, 0, 0, 0, 403],
        [Permission.ListWorkspaces] = [0, 403, 403, 0, 0, 0, 0, 0, 403],
        [Permission.CreateWorkspace] = [0, 403, 403, 403, 403, 403, 403, 403, 403],
        [Permission.ReadWorkspace] = [0, 404, 404, 0, 0, 0, 0, 0, 403],
        [Permission.UpdateWorkspace] = [0, 404, 404, 0, 403, 403, 403, 403, 403],
        [Permission.DeleteWorkspace] = [0, 404, 404, 0, 403, 403, 403, 403, 403],
        [Permission.ListDeployments] = [0, 403, 403, 0, 0, 0, 0, 0, 403],
        [Permission.CreateDeployment] = [0, 403, 403, 0, 0, 403, 403, 403, 403],
        [Permission.ReadDeployment] = [0, 404, 404, 0, 0, 0, 0, 0, 403],
        [Permission.UpdateDeployment] = [0, 404, 404, 0, 0, 403, 403, 0, 403],
        [Permission.DeleteDeployment] = [0, 404, 404, 0, 0, 403, 403, 0, 403],
        [Permission.ReadDeploymentLogs] = [0, 404, 404, 0, 0, 0, 0, 0, 403],
        [Permission.ReadDeploys] = [0, 404, 404, 0, 0, 0, 0, 0, 403],
        [Permission.CreateDeploys] = [0, 404, 404, 0, 0, 0, 403, 0, 403],
        [Permission.UpdateDeploys] = [0, 404, 404, 0, 0, 0, 403, 0, 403],
        [Permission.ManageTokens] = [0, 403, 403, 0, 403, 403, 403, 0, 403],
        [Permission.ReadAgentTokens] = [0, 404, 404, 0, 0, 403, 403, 0, 403],
        [Permission.ManageAgentTokens] = [0, 404, 404, 0, 0, 403, 403, 0, 403],
        [Permission.ReadSelf] = [0, 0, 0, 0, 0, 0, 0, 0, 403],
        [Permission.ReadUsers] = [0, 403, 403, 0, 403, 403, 403, 403, 403],
        [Permission.ManageUserRoles] = [0, 403, 403, 0, 403, 403, 403, 403, 403],
        [Permission.ManageUsers] = [0, 403, 403, 403, 403, 403, 403, 403, 403],
        [Permission.ReadAuditLog] = [0, 403, 403, 0, 403, 403, 403, 403, 403],
        [Permission.ReadRoles] = [0, 0, 0, 0, 0, 0, 0, 0, 403],
        [Permission.ManageWebhooks] = [0, 403, 403, 0, 0, 403, 403, 0, 403],
        [Permission.ActAsAgent] = [403, 403, 403, 403, 403, 403, 403, 403, 0],
    };

    /// <summary>The status that a role gets from a route that requires a permission; 0 if the request reaches the route.</summary>
    public static int Expected(Permission permission, Role caller) => Rows[permission][Array.IndexOf(Callers, caller)];

    /// <summary>Permissions that have a row.</summary>
    public static IEnumerable<Permission> Permissions => Rows.Keys;
}
