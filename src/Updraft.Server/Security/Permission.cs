namespace Updraft.Server.Security;

/// <summary>Everything that a route can demand. The comment is the contract's <c>x-permission</c>.</summary>
internal enum Permission
{
    /// <summary>List the caller's own Organizations; every valid token may.</summary>
    ListOrganizations,

    /// <summary><c>organization.get</c></summary>
    ReadOrganization,

    /// <summary><c>organization.settings.update</c></summary>
    UpdateOrganization,

    /// <summary><c>organization.clusters.get</c></summary>
    ReadClusters,

    /// <summary><c>organization.clusters.create</c>, <c>.update</c> and <c>.delete</c></summary>
    ManageClusters,

    /// <summary><c>organization.deploymentConfigurations.get</c>; Deployment tokens too, or the astro CLI deploys no image.</summary>
    ReadDeploymentOptions,

    /// <summary><c>organization.workspaces.get</c>; the answer holds what the caller may see.</summary>
    ListWorkspaces,

    /// <summary><c>organization.workspaces.create</c></summary>
    CreateWorkspace,

    /// <summary><c>workspace.get</c></summary>
    ReadWorkspace,

    /// <summary><c>workspace.settings.update</c></summary>
    UpdateWorkspace,

    /// <summary><c>workspace.delete</c></summary>
    DeleteWorkspace,

    /// <summary><c>organization.deployments.get</c>; the answer holds what the caller may see.</summary>
    ListDeployments,

    /// <summary><c>workspace.deployments.create</c></summary>
    CreateDeployment,

    /// <summary><c>deployment.get</c></summary>
    ReadDeployment,

    /// <summary><c>deployment.update</c></summary>
    UpdateDeployment,

    /// <summary><c>deployment.delete</c></summary>
    DeleteDeployment,

    /// <summary><c>deployment.logs.get</c></summary>
    ReadDeploymentLogs,

    /// <summary><c>deployment.deploys.get</c></summary>
    ReadDeploys,

    /// <summary><c>deployment.deploys.create</c></summary>
    CreateDeploys,

    /// <summary><c>deployment.deploys.update</c>: finalize, roll back, describe.</summary>
    UpdateDeploys,

    /// <summary><c>organization.apiTokens.access</c>; the answer holds what the caller may see.</summary>
    ManageTokens,

    /// <summary><c>deployment.agentTokens.get</c></summary>
    ReadAgentTokens,

    /// <summary><c>deployment.agentTokens.create</c> and <c>.delete</c></summary>
    ManageAgentTokens,

    /// <summary>Ask who one is; every valid token may.</summary>
    ReadSelf,

    /// <summary><c>organization.users.get</c></summary>
    ReadUsers,

    /// <summary><c>organization.userRoles.access</c>; changes what lies within the caller's reach.</summary>
    ManageUserRoles,

    /// <summary><c>organization.customRoles.get</c>: the roles that there are.</summary>
    ReadRoles,

    /// <summary>See what was changed by whom: all of the Organization, or what belongs to a Workspace.</summary>
    ReadAuditLog,

    /// <summary>Everything about webhooks, reading too: their addresses can be secrets. Updraft's own; changes what lies within the caller's reach.</summary>
    ManageWebhooks,

    /// <summary>What an agent does: enrol, read its Deployment's state and bundles, report.</summary>
    ActAsAgent,
}

/// <summary>The roles of the contract, and the agent's.</summary>
internal enum Role
{
    OrganizationOwner,
    OrganizationBillingAdmin,
    OrganizationMember,
    WorkspaceOwner,
    WorkspaceOperator,
    WorkspaceAuthor,
    WorkspaceMember,
    DeploymentAdmin,
    Agent,
}

/// <summary>The level of the tree on which a role can be given.</summary>
internal enum RoleScope
{
    Organization,
    Workspace,
    Deployment,
}

/// <summary>Which role may do what: the one table of permissions.</summary>
internal static class RoleTable
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
            Permission.UpdateWorkspace, Permission.DeleteWorkspace, Permission.ReadUsers, Permission.ManageUserRoles, Permission.ReadAuditLog]),
        [Role.WorkspaceOperator] = ("WORKSPACE_OPERATOR", RoleScope.Workspace, [.. Operating]),
        [Role.WorkspaceAuthor] = ("WORKSPACE_AUTHOR", RoleScope.Workspace, [.. Deploying]),
        [Role.WorkspaceMember] = ("WORKSPACE_MEMBER", RoleScope.Workspace, [.. Reading]),
        [Role.DeploymentAdmin] = ("DEPLOYMENT_ADMIN", RoleScope.Deployment,
            [.. Operating.Except([Permission.CreateDeployment]), Permission.ManageTokens]),
        [Role.Agent] = ("AGENT", RoleScope.Deployment, [Permission.ActAsAgent]),
    };

    /// <summary>Whether a role includes a permission.</summary>
    public static bool Allows(this Role role, Permission permission) => Rows[role].Permissions.Contains(permission);

    /// <summary>The role's name on the wire.</summary>
    public static string Name(this Role role) => Rows[role].Name;

    /// <summary>The level on which the role is given.</summary>
    public static RoleScope Scope(this Role role) => Rows[role].Scope;

    /// <summary>Finds a role by its name on the wire; null when there is none.</summary>
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

/// <summary>What a route demands. Read by the authorization middleware; a route without it, and not anonymous, answers nobody.</summary>
internal sealed record RequiredPermission(Permission Permission);

/// <summary>Puts the demand on routes.</summary>
internal static class RequiredPermissionRoutes
{
    /// <summary>The caller needs this permission on what the route's <c>organizationId</c>, <c>workspaceId</c> or <c>deploymentId</c> names.</summary>
    public static TBuilder Requires<TBuilder>(this TBuilder route, Permission permission)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new RequiredPermission(permission));
}
