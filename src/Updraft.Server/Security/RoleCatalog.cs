namespace Updraft.Server.Security;

/// <summary>The roles with their scopes and permissions: the only table of them.</summary>
internal static class RoleCatalog
{
    private static readonly Permission[] Everything = [.. Enum.GetValues<Permission>().Except([Permission.ActAsAgent])];

    private static readonly Permission[] Reading =
    [
        Permission.ListOrganizations, Permission.ReadOrganization, Permission.ListWorkspaces, Permission.ReadWorkspace,
        Permission.ListDeployments, Permission.ReadDeployment, Permission.ReadDeploys, Permission.ReadDeploymentOptions,
        Permission.ReadClusters, Permission.ReadDeploymentLogs, Permission.ReadRoles, Permission.ReadSelf,
    ];

    private static readonly Permission[] Belonging =
        [Permission.ListOrganizations, Permission.ReadOrganization, Permission.ReadRoles, Permission.ReadSelf];

    private static readonly Permission[] Deploying = [.. Reading, Permission.CreateDeploys, Permission.UpdateDeploys];

    private static readonly Permission[] Operating =
    [
        .. Deploying, Permission.CreateDeployment, Permission.UpdateDeployment, Permission.DeleteDeployment,
        Permission.ReadAgentTokens, Permission.ManageAgentTokens, Permission.ManageWebhooks,
    ];

    private static readonly Dictionary<Role, (string Name, RoleScope Scope, HashSet<Permission> Permissions)> Rows = new()
    {
        [Role.OrganizationOwner] = ("ORGANIZATION_OWNER", RoleScope.Organization, [.. Everything]),
        [Role.OrganizationBillingAdmin] = ("ORGANIZATION_BILLING_ADMIN", RoleScope.Organization, [.. Belonging]),
        [Role.OrganizationMember] = ("ORGANIZATION_MEMBER", RoleScope.Organization, [.. Belonging]),
        [Role.WorkspaceOwner] = ("WORKSPACE_OWNER", RoleScope.Workspace, [.. Operating, Permission.ManageTokens,
            Permission.UpdateWorkspace, Permission.DeleteWorkspace, Permission.ReadUsers, Permission.ManageUserRoles,
            Permission.ReadAuditLog]),
        [Role.WorkspaceOperator] = ("WORKSPACE_OPERATOR", RoleScope.Workspace, [.. Operating]),
        [Role.WorkspaceAuthor] = ("WORKSPACE_AUTHOR", RoleScope.Workspace, [.. Deploying]),
        [Role.WorkspaceMember] = ("WORKSPACE_MEMBER", RoleScope.Workspace, [.. Reading]),
        [Role.DeploymentAdmin] = ("DEPLOYMENT_ADMIN", RoleScope.Deployment,
            [.. Operating.Except([Permission.CreateDeployment]), Permission.ManageTokens]),
        [Role.Agent] = ("AGENT", RoleScope.Deployment, [Permission.ActAsAgent]),
    };

    /// <summary>Whether a role includes a permission.</summary>
    public static bool Allows(this Role role, Permission permission) => Rows[role].Permissions.Contains(permission);

    /// <summary>The role's name in the API, e.g. <c>WORKSPACE_OWNER</c>.</summary>
    public static string Name(this Role role) => Rows[role].Name;

    /// <summary>The kind of scope for which the role can be granted.</summary>
    public static RoleScope Scope(this Role role) => Rows[role].Scope;

    /// <summary>The role with a name of the API; null if it does not exist.</summary>
    public static Role? Find(string name)
    {
        foreach (var (role, row) in Rows)
        {
            if (row.Name == name)
                return role;
        }
        return null;
    }
}
