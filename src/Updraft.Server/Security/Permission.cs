namespace Updraft.Server.Security;

/// <summary>The permissions that routes require. The comment is the contract's <c>x-permission</c>.</summary>
internal enum Permission
{
    /// <summary>List the caller's own Organizations. Every valid token has it.</summary>
    ListOrganizations,

    /// <summary><c>organization.get</c></summary>
    ReadOrganization,

    /// <summary><c>organization.settings.update</c></summary>
    UpdateOrganization,

    /// <summary><c>organization.clusters.get</c></summary>
    ReadClusters,

    /// <summary><c>organization.clusters.create</c>, <c>.update</c> and <c>.delete</c></summary>
    ManageClusters,

    /// <summary>
    /// <c>organization.deploymentConfigurations.get</c>. Roles of a Deployment have it too, because the astro CLI needs it for image
    /// deploys.
    /// </summary>
    ReadDeploymentOptions,

    /// <summary><c>organization.workspaces.get</c>. The response has only the Workspaces that the caller may read.</summary>
    ListWorkspaces,

    /// <summary><c>organization.workspaces.create</c></summary>
    CreateWorkspace,

    /// <summary><c>workspace.get</c></summary>
    ReadWorkspace,

    /// <summary><c>workspace.settings.update</c></summary>
    UpdateWorkspace,

    /// <summary><c>workspace.delete</c></summary>
    DeleteWorkspace,

    /// <summary><c>organization.deployments.get</c>. The response has only the Deployments that the caller may read.</summary>
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

    /// <summary><c>organization.apiTokens.access</c>. The response has only the tokens that the caller may read.</summary>
    ManageTokens,

    /// <summary><c>deployment.agentTokens.get</c></summary>
    ReadAgentTokens,

    /// <summary><c>deployment.agentTokens.create</c> and <c>.delete</c></summary>
    ManageAgentTokens,

    /// <summary>Read the caller's own user or token. Every valid token has it.</summary>
    ReadSelf,

    /// <summary><c>organization.users.get</c></summary>
    ReadUsers,

    /// <summary><c>organization.userRoles.access</c>. The caller can change only roles in the scopes in which they hold it.</summary>
    ManageUserRoles,

    /// <summary>Activate and deactivate users, and end their sessions. Only owners of the Organization have it.</summary>
    ManageUsers,

    /// <summary><c>organization.customRoles.get</c></summary>
    ReadRoles,

    /// <summary>Read the audit log of the Organization or of a Workspace. Updraft's own permission.</summary>
    ReadAuditLog,

    /// <summary>
    /// Read and change webhooks in the caller's scopes. Reading needs it too, because the URL of a webhook can be a secret. Updraft's own
    /// permission.
    /// </summary>
    ManageWebhooks,

    /// <summary>Act as an agent: enroll, read the desired state and bundles of its Deployment, report.</summary>
    ActAsAgent,
}
