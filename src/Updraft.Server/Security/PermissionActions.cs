namespace Updraft.Server.Security;

/// <summary>What the contract calls the permissions: its <c>x-permission</c>.</summary>
internal static class PermissionActions
{
    /// <summary>The contract's name for what an operation demands; null when it demands nothing but a valid token.</summary>
    /// <param name="permission">The permission.</param>
    /// <param name="operation">The operation's name: one permission here can be several of the contract's.</param>
    public static string? Action(this Permission permission, string operation) => (permission, operation) switch
    {
        (Permission.ReadOrganization, _) => "organization.get",
        (Permission.UpdateOrganization, _) => "organization.settings.update",
        (Permission.ReadClusters, _) => "organization.clusters.get",
        (Permission.ManageClusters, "CreateCluster") => "organization.clusters.create",
        (Permission.ManageClusters, "DeleteCluster") => "organization.clusters.delete",
        (Permission.ManageClusters, _) => "organization.clusters.update",
        (Permission.ReadDeploymentOptions, _) => "organization.deploymentConfigurations.get",
        (Permission.ListWorkspaces, _) => "organization.workspaces.get",
        (Permission.CreateWorkspace, _) => "organization.workspaces.create",
        (Permission.ReadWorkspace, _) => "workspace.get",
        (Permission.UpdateWorkspace, _) => "workspace.settings.update",
        (Permission.DeleteWorkspace, _) => "workspace.delete",
        (Permission.ListDeployments, _) => "organization.deployments.get",
        (Permission.CreateDeployment, _) => "workspace.deployments.create",
        (Permission.ReadDeployment, _) => "deployment.get",
        (Permission.UpdateDeployment, _) => "deployment.update",
        (Permission.DeleteDeployment, _) => "deployment.delete",
        (Permission.ReadDeploymentLogs, _) => "deployment.logs.get",
        (Permission.ReadDeploys, _) => "deployment.deploys.get",
        (Permission.CreateDeploys, _) => "deployment.deploys.create",
        (Permission.UpdateDeploys, _) => "deployment.deploys.update",
        (Permission.ManageTokens, _) => "organization.apiTokens.access",
        (Permission.ReadAgentTokens, _) => "deployment.agentTokens.get",
        (Permission.ManageAgentTokens, "DeleteAgentToken") => "deployment.agentTokens.delete",
        (Permission.ManageAgentTokens, _) => "deployment.agentTokens.create",
        (Permission.ReadUsers, _) => "organization.users.get",
        (Permission.ManageUserRoles, _) => "organization.userRoles.access",
        (Permission.ReadRoles, _) => "organization.customRoles.get",
        _ => null,
    };
}
