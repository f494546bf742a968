namespace Updraft.Server.Security;

/// <summary>The contract's names of permissions, as roles show them.</summary>
internal static class PermissionNames
{
    // What has no row is Updraft's own and shown nowhere: listing one's Organizations, asking who one is, webhooks, acting as an agent.
    private static readonly Dictionary<Permission, string[]> Rows = new()
    {
        [Permission.ReadOrganization] = ["organization.get"],
        [Permission.ListWorkspaces] = ["organization.workspaces.get"],
        [Permission.CreateWorkspace] = ["organization.workspaces.create"],
        [Permission.ReadWorkspace] = ["workspace.get"],
        [Permission.ListDeployments] = ["organization.deployments.get"],
        [Permission.CreateDeployment] = ["workspace.deployments.create"],
        [Permission.ReadDeployment] = ["deployment.get"],
        [Permission.UpdateDeployment] = ["deployment.update"],
        [Permission.DeleteDeployment] = ["deployment.delete"],
        [Permission.ReadDeploys] = ["deployment.deploys.get"],
        [Permission.CreateDeploys] = ["deployment.deploys.create"],
        [Permission.UpdateDeploys] = ["deployment.deploys.update"],
        [Permission.ManageTokens] = ["organization.apiTokens.access"],
        [Permission.ReadAgentTokens] = ["deployment.agentTokens.get"],
        [Permission.ManageAgentTokens] = ["deployment.agentTokens.create", "deployment.agentTokens.delete"],
        [Permission.ReadUsers] = ["organization.users.get"],
        [Permission.ManageUserRoles] = ["organization.userRoles.access"],
        [Permission.ReadRoles] = ["organization.customRoles.get"],
    };

    /// <summary>Every name, in order.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Rows.Values.SelectMany(names => names).Order(StringComparer.Ordinal)];

    /// <summary>The names of what a role allows, in order.</summary>
    public static IReadOnlyList<string> Of(Role role) =>
        [.. Rows.Where(row => role.Allows(row.Key)).SelectMany(row => row.Value).Order(StringComparer.Ordinal)];
}
