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
