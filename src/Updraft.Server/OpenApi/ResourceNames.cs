namespace Updraft.Server.OpenApi;

/// <summary>The kind of resource of a URL path. The description groups operations by it.</summary>
internal static class ResourceNames
{
    private static readonly Dictionary<string, string> OfOrganization = new(StringComparer.Ordinal)
    {
        ["organizations"] = "Organization",
        ["workspaces"] = "Workspace",
        ["deployments"] = "Deployment",
        ["tokens"] = "ApiToken",
        ["clusters"] = "Cluster",
        ["cluster-options"] = "Options",
        ["deployment-options"] = "Options",
        ["users"] = "User",
        ["teams"] = "Team",
        ["roles"] = "Role",
        ["role-templates"] = "Role",
        ["authorization"] = "Authorization",
    };

    private static readonly Dictionary<string, string> OfDeployment = new(StringComparer.Ordinal)
    {
        ["deploys"] = "Deploy",
        ["agent-tokens"] = "AgentToken",
        ["bundles"] = "Bundle",
    };

    /// <summary>For example <c>Deploy</c> for <c>v1/organizations/{organizationId}/deployments/{deploymentId}/deploys</c>.</summary>
    public static string Find(string path)
    {
        var names = path.Split('/', StringSplitOptions.RemoveEmptyEntries).Skip(1).Where(part => part[0] != '{').ToList();
        if (names is ["organizations", _, ..])
            names.RemoveAt(0);
        return names is ["deployments", var part, ..] && OfDeployment.TryGetValue(part, out var name)
            ? name
            : OfOrganization.GetValueOrDefault(names[0], names[0]);
    }
}
