namespace Updraft.Server.Security;

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
