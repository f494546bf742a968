namespace Updraft.Server.OpenApi;

/// <summary>The description of each operation by its id: effect, rules, and related operations.</summary>
internal static class OperationTexts
{
    private static readonly Dictionary<string, string> Texts = new(StringComparer.Ordinal)
    {
        ["CreateAgentToken"] = "Creates the token with which an agent of the Deployment signs in. Only this response contains the token.",
        ["CreateApiToken"] = "Creates an API token with a role. Only this response contains the token. The caller needs each permission "
            + "of the role.",
        ["CreateBundle"] = "Creates a DAG bundle with a name, or a non-DAG bundle with a mount path. It has no version before its first deploy.",
        ["CreateCluster"] = "Always returns 400, because an installation has exactly one cluster.",
        ["CreateDeploy"] = "Creates a deploy, which changes nothing yet. Upload to the URL in the response, or push the image, and then call "
            + "FinalizeDeploy.",
        ["CreateDeployment"] = "Creates a Deployment in a Workspace. Agents can sign in as soon as CreateAgentToken has created a token.",
        ["CreateWebhook"] = "Creates a webhook for events of a scope. Only this response contains the secret that signs the deliveries.",
        ["CreateWorkspace"] = "Creates a Workspace. Its name is unique in the Organization.",
        ["DeleteAgentToken"] = "Deletes an agent token. The server rejects it on the next request.",
        ["DeleteApiToken"] = "Deletes an API token. The server rejects it on the next request, also the upload URLs of its deploys.",
        ["DeleteBundle"] = "Deletes a bundle, and agents remove its files. A rollback to an earlier deploy restores it. The default DAG bundle "
            + "cannot be deleted.",
        ["DeleteCluster"] = "Always returns 400, because an installation has exactly one cluster.",
        ["DeleteDeployment"] = "Deletes a Deployment. Requests for it return 404, and its tokens are no longer valid.",
        ["DeleteDeploymentHibernationOverride"] = "Ends the hibernation override of a Deployment in development mode.",
        ["DeleteWebhook"] = "Deletes a webhook with its deliveries.",
        ["DeleteWorkspace"] = "Deletes a Workspace without Deployments. Tokens with a role for only this Workspace are no longer valid.",
        ["DeployRollback"] = "Creates and finalizes a deploy with the image, the bundles and the DAG-deploy setting of an earlier one. It "
            + "needs no upload.",
        ["EndUserSessions"] = "Ends the web sessions and CLI logins of a user. The user can sign in again.",
        ["FinalizeDeploy"] = "Makes the uploaded version or the pushed image the desired state, which agents activate. A repeated call with "
            + "the same version changes nothing.",
        ["GetAgentToken"] = "Returns one agent token of a Deployment, without the token itself.",
        ["GetApiToken"] = "Returns one API token, without the token itself.",
        ["GetBundle"] = "Returns one bundle of a Deployment, with its desired and its current version.",
        ["GetCluster"] = "Returns the cluster, which describes this installation.",
        ["GetClusterOptions"] = "Returns the provider, region and machine of this installation. The response is a list with one entry.",
        ["GetCustomRole"] = "Returns one built-in role by its name. Updraft has no custom roles.",
        ["GetDeploy"] = "Returns one deploy. Upload URLs are in the response until the finalize, if the caller may upload.",
        ["GetDeployment"] = "Returns one Deployment, with the version that its agents run and the version that they should run.",
        ["GetDeploymentLogs"] = "Returns the log of a Deployment, newest entries first. The entries are actions of Updraft, not the logs of "
            + "Airflow.",
        ["GetDeploymentOptions"] = "Returns the runtimes, sizes and limits that clients can set on a Deployment.",
        ["GetFileDiff"] = "Returns the files that differ between two deploys, for each bundle.",
        ["GetOrganization"] = "Returns the Organization of the caller.",
        ["GetSelfUser"] = "Returns the caller. An API token is returned in the form of a user.",
        ["GetTextDiff"] = "Returns the lines of one file that differ between two deploys.",
        ["GetUser"] = "Returns one user with the roles that the caller may see.",
        ["GetWebhook"] = "Returns one webhook, without its secret.",
        ["GetWorkspace"] = "Returns one Workspace.",
        ["ListAgentTokens"] = "Lists the agent tokens of a Deployment.",
        ["ListApiTokens"] = "Lists the API tokens that the caller may manage.",
        ["ListAuditEvents"] = "Lists the events of the audit log that the caller may see, newest first.",
        ["ListBundles"] = "Lists the bundles of a Deployment.",
        ["ListBundleVersions"] = "Lists the versions of a bundle that were deployed, newest first.",
        ["ListClusters"] = "Lists the one cluster of this installation.",
        ["ListDeployments"] = "Lists the Deployments that the caller may see.",
        ["ListDeploys"] = "Lists the deploys of a Deployment, newest first.",
        ["ListOrganizations"] = "Lists the Organization of the caller.",
        ["ListPermissionGroups"] = "Lists the permissions of the API, in groups.",
        ["ListRoles"] = "Lists the custom roles, which Updraft does not have. With includeDefaultRoles, the response has the built-in roles.",
        ["ListRoleTemplates"] = "Lists the built-in roles with their permissions.",
        ["ListUsers"] = "Lists the users that the caller may see.",
        ["ListUserSessions"] = "Lists the web sessions and CLI logins of a user that have not ended.",
        ["ListVersionFiles"] = "Lists the files of a version: path, size and SHA-256.",
        ["ListWebhookDeliveries"] = "Lists the deliveries of a webhook with their attempts, newest first.",
        ["ListWebhooks"] = "Lists the webhooks that the caller may see.",
        ["ListWorkspaces"] = "Lists the Workspaces that the caller may see.",
        ["RedeliverWebhook"] = "Sends an event again with the same body and ID, even if it was delivered. The webhook must be enabled.",
        ["RollbackBundle"] = "Returns one bundle to an earlier version with a new deploy. Other bundles stay.",
        ["RotateApiToken"] = "Replaces the secret of an API token. Only this response contains the new token, and the old one stops working.",
        ["RotateWebhookSecret"] = "Replaces the secret that signs deliveries. Only this response contains the new one. For a day, the server also "
            + "signs with the old one.",
        ["TestWebhook"] = "Sends an event webhook.test to an enabled webhook.",
        ["UpdateApiToken"] = "Changes the name and the description of an API token.",
        ["UpdateApiTokenRoles"] = "Replaces the roles of an API token. The caller needs each permission of the new roles.",
        ["UpdateBundle"] = "Changes the description of a bundle, and the DAG bundles that use a non-DAG bundle. Absent fields keep their value.",
        ["UpdateCluster"] = "Always returns 400. An operator can change the cluster in the settings of the server.",
        ["UpdateDeploy"] = "Changes the description of a deploy.",
        ["UpdateDeployment"] = "Changes a Deployment. Optional fields that the request omits keep their value.",
        ["UpdateDeploymentHibernationOverride"] = "Sets the hibernation override of a Deployment in development mode. It replaces an earlier "
            + "override. If isHibernating is null, it ends the override.",
        ["UpdateOrganization"] = "Changes the name and other settings of the Organization.",
        ["UpdateUserRoles"] = "Replaces the roles of a user. Kinds of roles that the request omits stay.",
        ["UpdateUserStatus"] = "Deactivates or activates a user. A deactivation ends all sessions and logins of the user.",
        ["UpdateWebhook"] = "Replaces the settings of a webhook. Disabling it also stops pending deliveries.",
        ["UpdateWorkspace"] = "Replaces the settings of a Workspace. Existing Deployments keep their settings.",
    };

    /// <summary>The description of an operation; null for one that is missing here, which a test reports.</summary>
    public static string? Find(string operationId) => Texts.GetValueOrDefault(operationId);
}
