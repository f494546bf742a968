namespace Updraft.Server.Security;

/// <summary>The roles of the contract, and the role of agent tokens.</summary>
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

/// <summary>The kind of scope for which a role can be granted.</summary>
internal enum RoleScope
{
    Organization,
    Workspace,
    Deployment,
}
