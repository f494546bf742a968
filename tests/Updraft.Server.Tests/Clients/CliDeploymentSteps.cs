using System.Globalization;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Clients;

/// <summary>Steps of the CLI's Workspace and Deployment commands; each step reads every field that the CLI reads.</summary>
internal static class CliDeploymentSteps
{
    /// <summary>Path of the Deployments in the context's Organization.</summary>
    public static string Deployments(this CliReplay cli) => $"/v1/organizations/{cli.Organization}/deployments";

    /// <summary>Lists all rows as the CLI does: each page begins after the received rows.</summary>
    public static async Task<IReadOnlyList<CliObject>> ListAllAsync(this CliReplay cli, string path, string name, int limit,
        params (string Key, string Value)[] query)
    {
        var all = new List<CliObject>();
        for (var page = 0; page < 100; page++)
        {
            var body = (await cli.GetAsync(path, [("limit", Text(limit)), ("offset", Text(all.Count)), .. query])).Body;
            var received = body.Objects(name);
            all.AddRange(received);
            if (received.Count == 0 || all.Count >= body.Number("totalCount"))
                return all;
        }
        throw new InvalidOperationException("The CLI stops after 100 pages.");
    }

    /// <summary>The Workspaces in the scope of the token.</summary>
    public static async Task<IReadOnlyList<CliObject>> ListWorkspacesAsync(this CliReplay cli)
    {
        var workspaces = await cli.ListAllAsync(
            $"/v1/organizations/{cli.Organization}/workspaces", "workspaces", 1000, ("sorts", "name:asc"));
        foreach (var workspace in workspaces)
        {
            workspace.Text("id");
            Assert.Equal(cli.Organization, workspace.Text("organizationId"));
        }
        var names = workspaces.Select(workspace => workspace.Text("name")).ToList();
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        return workspaces;
    }

    /// <summary><c>workspace switch</c>: the Workspace with this id or name becomes the context.</summary>
    public static async Task SwitchWorkspaceAsync(this CliReplay cli, string wanted) => cli.Workspace =
        (await cli.ListWorkspacesAsync())
        .Single(workspace => workspace.Text("id") == wanted || workspace.Text("name") == wanted).Text("id");

    /// <summary>The Deployments of the context's Workspace, or of all Workspaces, with every column of the table.</summary>
    public static async Task<IReadOnlyList<CliObject>> ListDeploymentsAsync(this CliReplay cli, bool all = false)
    {
        var deployments = await cli.ListAllAsync(cli.Deployments(), "deployments", 1000, all ? [] : [("workspaceIds", cli.Workspace)]);
        foreach (var deployment in deployments)
            ReadRow(deployment);
        return deployments;
    }

    /// <summary>The Deployment that a command names by id or by name: the CLI finds it in the list, and then requests it.</summary>
    public static async Task<CliObject> FindDeploymentAsync(this CliReplay cli, string wanted)
    {
        var found = (await cli.ListDeploymentsAsync())
            .Single(deployment => deployment.Text("id") == wanted || deployment.Text("name") == wanted);
        return await cli.GetDeploymentAsync(found.Text("id"));
    }

    /// <summary>The row of a Deployment in the tables of <c>list</c>, <c>create</c> and <c>update</c>.</summary>
    public static void ReadRow(CliObject deployment)
    {
        string[] texts = ["name", "namespace", "id", "runtimeVersion", "airflowVersion", "webServerUrl", "organizationId", "workspaceId"];
        foreach (var field in texts)
            deployment.Text(field);
        deployment.Flag("isDagDeployEnabled");
        deployment.Flag("isCicdEnforced");
        // The CLI uses these fields without a check.
        if (deployment.Text("type") != "STANDARD")
            deployment.Text("clusterName");
        deployment.Text("workspaceName");
        deployment.OptionalText("cloudProvider");
        deployment.OptionalText("region");
        if (deployment.Has("remoteExecution"))
            deployment.Object("remoteExecution").Flag("enabled");
    }

    /// <summary>
    /// The options of <c>create</c> and <c>update</c>: the defaults for omitted values, and the machines of queues for
    /// <c>--deployment-file</c>.
    /// </summary>
    public static async Task<CliObject> GetOptionsAsync(this CliReplay cli, params (string Key, string Value)[] query)
    {
        var options = (await cli.GetAsync($"/v1/organizations/{cli.Organization}/deployment-options", query)).Body;
        foreach (var quota in (string[])["defaultPodSize", "resourceQuota"])
        {
            foreach (var resource in (string[])["cpu", "memory"])
                Assert.NotEmpty(options.Object("resourceQuotas").Object(quota).Object(resource).Text("default"));
        }
        foreach (var queue in (string[])["maxWorkers", "minWorkers", "workerConcurrency"])
        {
            foreach (var bound in (string[])["ceiling", "default", "floor"])
                options.Object("workerQueues").Object(queue).Number(bound);
        }
        Assert.All(options.Objects("workerMachines"), machine => machine.Object("concurrency").Number("default"));
        Assert.All(options.Objects("runtimeReleases"), release => release.Time("releaseDate"));
        return options;
    }

    /// <summary>The body of <c>deployment create</c>, with the options' defaults.</summary>
    public static JsonObject CreateBody(this CliReplay cli, string name, CliObject options, bool isDevelopment = false) => new()
    {
        ["astroRuntimeVersion"] = options.Objects("runtimeReleases")[0].Text("version"),
        ["cloudProvider"] = "AZURE",
        ["defaultTaskPodCpu"] = Default(options, "defaultPodSize", "cpu"),
        ["defaultTaskPodMemory"] = Default(options, "defaultPodSize", "memory"),
        ["description"] = "",
        ["executor"] = "CELERY",
        ["isCicdEnforced"] = false,
        ["isDagDeployEnabled"] = true,
        ["isDevelopmentMode"] = isDevelopment,
        ["isHighAvailability"] = false,
        ["name"] = name,
        ["region"] = "westus2",
        ["resourceQuotaCpu"] = Default(options, "resourceQuota", "cpu"),
        ["resourceQuotaMemory"] = Default(options, "resourceQuota", "memory"),
        ["schedulerSize"] = "SMALL",
        ["type"] = "STANDARD",
        ["workspaceId"] = cli.Workspace,
    };

    /// <summary>
    /// The body of <c>deployment update --dag-deploy</c>: all values of the Deployment, secrets without their value, and <c>null</c> for no
    /// queues.
    /// </summary>
    public static JsonObject UpdateBody(CliObject current, bool isDagDeployEnabled) => new()
    {
        ["defaultTaskPodCpu"] = current.Text("defaultTaskPodCpu"),
        ["defaultTaskPodMemory"] = current.Text("defaultTaskPodMemory"),
        ["description"] = current.OptionalText("description") ?? "",
        ["environmentVariables"] = new JsonArray([.. Variables(current).Select(variable =>
        {
            var body = new JsonObject { ["isSecret"] = variable.Flag("isSecret"), ["key"] = variable.Text("key") };
            if (variable.OptionalText("value") is { } value)
                body["value"] = value;
            return body;
        })]),
        ["executor"] = current.Text("executor"),
        ["isCicdEnforced"] = current.Flag("isCicdEnforced"),
        ["isDagDeployEnabled"] = isDagDeployEnabled,
        ["isDevelopmentMode"] = current.Flag("isDevelopmentMode"),
        ["isHighAvailability"] = current.Flag("isHighAvailability"),
        ["name"] = current.Text("name"),
        ["resourceQuotaCpu"] = current.Text("resourceQuotaCpu"),
        ["resourceQuotaMemory"] = current.Text("resourceQuotaMemory"),
        ["schedulerSize"] = current.Text("schedulerSize"),
        ["type"] = current.Text("type"),
        ["workerQueues"] = !current.Has("workerQueues") ? null
            : new JsonArray([.. current.Objects("workerQueues").Select(queue => new JsonObject
        {
            ["astroMachine"] = queue.Text("astroMachine"),
            ["id"] = queue.Text("id"),
            ["isDefault"] = queue.Flag("isDefault"),
            ["maxWorkerCount"] = queue.Number("maxWorkerCount"),
            ["minWorkerCount"] = queue.Number("minWorkerCount"),
            ["name"] = queue.Text("name"),
            ["workerConcurrency"] = queue.Number("workerConcurrency"),
        })]),
        ["workspaceId"] = current.Text("workspaceId"),
    };

    /// <summary>The environment variables. The CLI checks whether the list exists.</summary>
    public static IReadOnlyList<CliObject> Variables(CliObject deployment) =>
        deployment.Has("environmentVariables") ? deployment.Objects("environmentVariables") : [];

    private static string Default(CliObject options, string quota, string resource) =>
        options.Object("resourceQuotas").Object(quota).Object(resource).Text("default");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
