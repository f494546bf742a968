namespace Updraft.Server.Security;

/// <summary>What the contract calls the permissions: its <c>x-permission</c>.</summary>
internal static class PermissionActions
{
    /// <summary>The contract's name for what an operation demands; null when it demands nothing but a valid token.</summary>
    /// <param name="permission">The permission.</param>
    /// <param name="method">The operation's HTTP method: one permission here can be two of the contract's.</param>
    public static string? Action(this Permission permission, string method) => (permission, method) switch
    {
        (Permission.ReadOrganization, _) => "organization.get",
        (Permission.ListWorkspaces, _) => "organization.workspaces.get",
        (Permission.CreateWorkspace, _) => "organization.workspaces.create",
        (Permission.ReadWorkspace, _) => "workspace.get",
        (Permission.ListDeployments, _) => "organization.deployments.get",
        (Permission.CreateDeployment, _) => "workspace.deployments.create",
        (Permission.ReadDeployment, _) => "deployment.get",
        (Permission.UpdateDeployment, _) => "deployment.update",
        (Permission.DeleteDeployment, _) => "deployment.delete",
        (Permission.ReadDeploys, _) => "deployment.deploys.get",
        (Permission.CreateDeploys, _) => "deployment.deploys.create",
        (Permission.UpdateDeploys, _) => "deployment.deploys.update",
        (Permission.ManageTokens, _) => "organization.apiTokens.access",
        (Permission.ReadAgentTokens, _) => "deployment.agentTokens.get",
        (Permission.ManageAgentTokens, "DELETE") => "deployment.agentTokens.delete",
        (Permission.ManageAgentTokens, _) => "deployment.agentTokens.create",
        _ => null,
    };
}
