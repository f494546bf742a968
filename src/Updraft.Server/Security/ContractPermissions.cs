namespace Updraft.Server.Security;

/// <summary>The names of the permissions in the Astro contract (<c>x-permission</c>): the only table of them.</summary>
internal static class ContractPermissions
{
    // A permission without a row has no name in the contract: Updraft added it, and no role shows it.
    private static readonly Dictionary<Permission, string[]> Rows = new()
    {
        [Permission.ReadOrganization] = ["organization.get"],
        [Permission.UpdateOrganization] = ["organization.settings.update"],
        [Permission.ReadClusters] = ["organization.clusters.get"],
        [Permission.ManageClusters] = ["organization.clusters.update", "organization.clusters.create", "organization.clusters.delete"],
        [Permission.ReadDeploymentOptions] = ["organization.deploymentConfigurations.get"],
        [Permission.ListWorkspaces] = ["organization.workspaces.get"],
        [Permission.CreateWorkspace] = ["organization.workspaces.create"],
        [Permission.ReadWorkspace] = ["workspace.get"],
        [Permission.UpdateWorkspace] = ["workspace.settings.update"],
        [Permission.DeleteWorkspace] = ["workspace.delete"],
        [Permission.ListDeployments] = ["organization.deployments.get"],
        [Permission.CreateDeployment] = ["workspace.deployments.create"],
        [Permission.ReadDeployment] = ["deployment.get"],
        [Permission.UpdateDeployment] = ["deployment.update"],
        [Permission.DeleteDeployment] = ["deployment.delete"],
        [Permission.ReadDeploymentLogs] = ["deployment.logs.get"],
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

    /// <summary>All names, in ordinal order.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Rows.Values.SelectMany(names => names).Order(StringComparer.Ordinal)];

    /// <summary>The names of the permissions that a role includes, in ordinal order.</summary>
    public static IReadOnlyList<string> Of(Role role) =>
        [.. Rows.Where(row => role.Allows(row.Key)).SelectMany(row => row.Value).Order(StringComparer.Ordinal)];

    /// <summary>The contract's name of the permission that an operation needs; null when a valid token is enough.</summary>
    /// <param name="permission">The permission that the route requires.</param>
    /// <param name="operation">The operation id, e.g. <c>DeleteCluster</c>. Its verb selects one of several names; the first is the
    /// default.</param>
    public static string? Name(this Permission permission, string operation) => Rows.TryGetValue(permission, out var names)
        ? Array.Find(names, name => operation.StartsWith(name[(name.LastIndexOf('.') + 1)..], StringComparison.OrdinalIgnoreCase))
        ?? names[0]
        : null;
}
