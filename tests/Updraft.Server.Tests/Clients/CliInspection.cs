using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Clients;

/// <summary>
/// <c>deployment inspect</c>: the document that the CLI creates from a Deployment. Scripts read single values with <c>--key</c>; a missing
/// key ends the command.
/// </summary>
internal sealed class CliInspection
{
    private const string NotApplicable = "N/A";
    private readonly JsonObject _document;

    private CliInspection(JsonObject document) => _document = document;

    /// <summary>Finds a Deployment and, unless it is a standard one, its cluster.</summary>
    public static async Task<CliInspection> RunAsync(CliReplay cli, string wanted)
    {
        var deployment = await cli.FindDeploymentAsync(wanted);
        var isStandard = deployment.Text("type") == "STANDARD";
        IReadOnlyList<CliObject> pools = [];
        if (deployment.OptionalText("clusterId") is { } clusterId)
        {
            var cluster = (await cli.GetAsync($"/v1/organizations/{cli.Organization}/clusters/{clusterId}")).Body;
            pools = cluster.Has("nodePools") ? cluster.Objects("nodePools") : [];
            if (deployment.Has("taskPodNodePoolId"))
                Assert.True((await cli.GetAsync($"/v1/organizations/{cli.Organization}/clusters/{clusterId}")).IsSuccess);
        }
        Assert.Equal(isStandard, !deployment.Has("clusterId"));
        var document = new JsonObject
        {
            ["metadata"] = Metadata(deployment, isStandard),
            ["configuration"] = Configuration(deployment, isStandard, pools),
            ["alert_emails"] = new JsonArray(
                [.. (deployment.Has("contactEmails") ? deployment.Texts("contactEmails") : []).Select(email => JsonValue.Create(email))]),
            ["worker_queues"] = new JsonArray([.. Queues(deployment, pools)]),
            ["environment_variables"] = new JsonArray([.. CliDeploymentSteps.Variables(deployment).Select(variable => new JsonObject
            {
                ["key"] = variable.Text("key"),
                ["value"] = variable.OptionalText("value"),
                ["is_secret"] = variable.Flag("isSecret"),
                ["updated_at"] = variable.Has("updatedAt") ? variable.Text("updatedAt") : "",
            })]),
        };
        return new(document);
    }

    /// <summary>The value for <c>--key</c>, a part and a field, as the shell reads it.</summary>
    public string Key(string key)
    {
        var parts = key.Split('.');
        Assert.True(_document[parts[0]]?.AsObject().ContainsKey(parts[1]) ?? false,
            $"requested key {key} not found in deployment: {_document}");
        return _document[parts[0]]![parts[1]]!.ToString();
    }

    /// <summary>The document for <c>--template</c>, without the values that identify this Deployment.</summary>
    public JsonObject Template()
    {
        var template = _document.DeepClone().AsObject();
        template.Remove("metadata");
        template["configuration"]!["name"] = "";
        // The CLI does not know the values of secrets, so the template contains none.
        template["environment_variables"] = new JsonArray([.. _document["environment_variables"]!.AsArray()
            .Where(variable => !variable!["is_secret"]!.GetValue<bool>()).Select(variable => variable!.DeepClone())]);
        return template;
    }

    private static JsonObject Metadata(CliObject deployment, bool isStandard) => new()
    {
        ["deployment_id"] = deployment.Text("id"),
        ["workspace_id"] = deployment.Text("workspaceId"),
        ["cluster_id"] = isStandard ? NotApplicable : deployment.Text("clusterId"),
        ["airflow_version"] = deployment.Text("airflowVersion"),
        ["current_tag"] = deployment.Text("imageTag"),
        ["release_name"] = deployment.Text("type") == "HYBRID" ? deployment.Text("namespace") : NotApplicable,
        ["webserver_url"] = deployment.Text("webServerUrl"),
        ["airflow_api_url"] = deployment.Text("webServerAirflowApiUrl"),
        ["created_at"] = deployment.Time("createdAt").ToString("O"),
        ["updated_at"] = deployment.Time("updatedAt").ToString("O"),
        ["status"] = deployment.Text("status"),
    };

    private static JsonObject Configuration(CliObject deployment, bool isStandard, IReadOnlyList<CliObject> pools)
    {
        var configuration = new JsonObject
        {
            ["name"] = deployment.Text("name"),
            ["workspace_name"] = deployment.Text("workspaceName"),
            ["deployment_type"] = deployment.Text("type"),
            ["cluster_name"] = isStandard ? "" : deployment.Text("clusterName"),
            ["runtime_version"] = deployment.Text("runtimeVersion"),
            ["dag_deploy_enabled"] = Word(deployment.Flag("isDagDeployEnabled")),
            ["ci_cd_enforcement"] = Word(deployment.Flag("isCicdEnforced")),
            ["scheduler_count"] = deployment.Number("schedulerReplicas"),
            ["executor"] = deployment.Text("executor"),
        };
        if (deployment.Text("type") != "HYBRID")
        {
            configuration["scheduler_size"] = deployment.Text("schedulerSize");
            if (isStandard || !deployment.Has("remoteExecution") || !deployment.Object("remoteExecution").Flag("enabled"))
            {
                configuration["default_task_pod_cpu"] = deployment.Text("defaultTaskPodCpu");
                configuration["default_task_pod_memory"] = deployment.Text("defaultTaskPodMemory");
                configuration["resource_quota_cpu"] = deployment.Text("resourceQuotaCpu");
                configuration["resource_quota_memory"] = deployment.Text("resourceQuotaMemory");
            }
        }
        if (!isStandard && deployment.OptionalText("taskPodNodePoolId") is { } pool)
            configuration["default_worker_type"] = pools.Single(one => one.Text("id") == pool).Text("nodeInstanceType");
        (string, string)[] texts = [("description", "description"), ("cloud_provider", "cloudProvider"), ("region", "region")];
        foreach (var (key, field) in texts)
        {
            if (deployment.OptionalText(field) is { } text)
                configuration[key] = text;
        }
        (string, string)[] flags = [("is_high_availability", "isHighAvailability"), ("is_development_mode", "isDevelopmentMode")];
        foreach (var (key, field) in flags)
        {
            if (deployment.Has(field))
                configuration[key] = Word(deployment.Flag(field));
        }
        return configuration;
    }

    private static IEnumerable<JsonObject> Queues(CliObject deployment, IReadOnlyList<CliObject> pools)
    {
        foreach (var queue in deployment.Has("workerQueues") ? deployment.Objects("workerQueues") : [])
        {
            var machine = deployment.Text("type") == "HYBRID"
                ? pools.Single(pool => pool.Text("id") == queue.Text("nodePoolId")).Text("nodeInstanceType")
                : queue.Text("astroMachine");
            yield return deployment.Text("executor") == "KUBERNETES"
                    ? new()
                    {
                        ["name"] = queue.Text("name"),
                        ["worker_type"] = machine,
                        ["pod_cpu"] = queue.Text("podCpu"),
                        ["pod_ram"] = queue.Text("podMemory"),
                    }
                : new()
                {
                    ["name"] = queue.Text("name"),
                    ["worker_type"] = machine,
                    ["max_worker_count"] = queue.Number("maxWorkerCount"),
                    ["min_worker_count"] = queue.Number("minWorkerCount"),
                    ["worker_concurrency"] = queue.Number("workerConcurrency"),
                };
        }
    }

    // Go prints flags in lower case.
    private static string Word(bool flag) => flag ? "true" : "false";
}
