using System.Text.Json.Nodes;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Clients;

/// <summary>The GitHub action, which is a sequence of the CLI's commands: each is a process of its own and sets itself up.</summary>
public sealed class DeployActionReplayTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private int _requests;

    private UpdraftServer Server => shared.Server;

    [Theory]
    [InlineData("dags-only")]
    [InlineData("infer")]
    [InlineData("image-and-dags")]
    [InlineData("image-only")]
    [InlineData("dbt")]
    public async Task Action_deploy(string type)
    {
        var name = Unique();
        await Server.CreateDeploymentAsync(name);
        var id = await ChooseAsync(name);
        // An image alone keeps the DAGs, so there must be some.
        if (type == "image-only")
            await DeployAsync(id, "dags-only");

        await DeployAsync(id, type);

        ReplayTable.Show($"deploy-action deploy ({type})", _requests, $"deployed to {id}");
    }

    [Fact]
    public async Task Action_wakes_a_Deployment_before_it_deploys()
    {
        var name = Unique();
        await RunAsync(async cli => await cli.PostAsync(cli.Deployments(), cli.CreateBody(name, await cli.GetOptionsAsync(), isDevelopment: true)));
        var id = await ChooseAsync(name);
        await RunAsync(cli => cli.PostAsync($"{cli.Deployments()}/{id}/hibernation-override", new JsonObject { ["isHibernating"] = true }));
        _requests = 0;

        Assert.NotEqual("HYBRID", await KeyAsync(id, "configuration.deployment_type"));
        Assert.Equal("true", await KeyAsync(id, "configuration.is_development_mode"));
        Assert.Equal("HIBERNATING", await KeyAsync(id, "metadata.status"));
        await RunAsync(async cli =>
        {
            var found = await cli.FindDeploymentAsync(id);
            return (await cli.PostAsync($"{cli.Deployments()}/{found.Text("id")}/hibernation-override", new JsonObject { ["isHibernating"] = false })).Body;
        });
        // Asked again and again until it is awake.
        Assert.Equal("HEALTHY", await KeyAsync(id, "metadata.status"));
        await DeployAsync(id, "dags-only");

        ReplayTable.Show("deploy-action deploy (wake-on-deploy)", _requests, $"woken, then deployed to {id}");
    }

    [Fact]
    public async Task Action_makes_a_preview_deploys_to_it_and_deletes_it()
    {
        var name = Unique();
        await RunAsync(async cli =>
        {
            var body = cli.CreateBody(name, await cli.GetOptionsAsync());
            body["environmentVariables"] = JsonNode.Parse("""[{"key":"STAGE","value":"prod","isSecret":false},{"key":"PASSWORD","value":"x","isSecret":true}]""");
            body["contactEmails"] = new JsonArray("a@example.org");
            body["workerQueues"] = JsonNode.Parse("""
                [{"name":"default","isDefault":true,"astroMachine":"A5","maxWorkerCount":10,"minWorkerCount":0,"workerConcurrency":5}]
                """);
            return (await cli.PostAsync(cli.Deployments(), body)).Body;
        });
        var original = await ChooseAsync(name);

        var preview = $"feature_{await KeyAsync(original, "configuration.name")}";
        var template = await RunAsync(async cli => (await CliInspection.RunAsync(cli, original)).Template());
        template["configuration"]!["name"] = preview;
        await RunAsync(cli => CreateFromFileAsync(cli, template));
        var id = await KeyAsync(preview, "metadata.deployment_id");
        await DeployAsync(id, "image-and-dags");
        ReplayTable.Show("deploy-action create-deployment-preview", _requests, $"{preview} is {id}");

        _requests = 0;
        Assert.Equal(id, await KeyAsync(preview, "metadata.deployment_id"));
        await DeployAsync(id, "infer");
        ReplayTable.Show("deploy-action deploy-deployment-preview", _requests, $"deployed to {id}");

        _requests = 0;
        await KeyAsync(original, "configuration.name");
        await RunAsync(async cli =>
        {
            var found = await cli.FindDeploymentAsync(preview);
            var deleted = await cli.DeleteAsync($"{cli.Deployments()}/{found.Text("id")}");
            Assert.True(deleted.IsSuccess);
            return deleted;
        });
        ReplayTable.Show("deploy-action delete-deployment-preview", _requests, $"{preview} is gone");
    }

    /// <summary><c>deployment create --wait --deployment-file</c>: creates, updates with what a creation cannot carry, and inspects.</summary>
    private static async Task<string> CreateFromFileAsync(CliReplay cli, JsonObject file)
    {
        var configuration = file["configuration"]!.AsObject();
        var name = configuration.Text("name");
        cli.Workspace = (await cli.ListWorkspacesAsync()).Single(workspace => workspace.Text("name") == configuration.Text("workspace_name")).Text("id");
        Assert.DoesNotContain(name, (await cli.ListDeploymentsAsync()).Select(deployment => deployment.Text("name")));
        var options = await cli.GetOptionsAsync();
        await cli.GetOptionsAsync(("cloudProvider", configuration.Text("cloud_provider")), ("deploymentType", "STANDARD"));
        var settings = new JsonObject
        {
            ["defaultTaskPodCpu"] = configuration.Text("default_task_pod_cpu"),
            ["defaultTaskPodMemory"] = configuration.Text("default_task_pod_memory"),
            ["description"] = configuration["description"]?.GetValue<string>() ?? "",
            ["executor"] = configuration.Text("executor"),
            ["isCicdEnforced"] = configuration.Text("ci_cd_enforcement") == "true",
            ["isDagDeployEnabled"] = configuration.Text("dag_deploy_enabled") == "true",
            ["isHighAvailability"] = configuration.Text("is_high_availability") == "true",
            ["name"] = name,
            ["resourceQuotaCpu"] = configuration.Text("resource_quota_cpu"),
            ["resourceQuotaMemory"] = configuration.Text("resource_quota_memory"),
            ["schedulerSize"] = configuration.Text("scheduler_size"),
            ["type"] = configuration.Text("deployment_type"),
            ["workspaceId"] = cli.Workspace,
        };
        // A queue that is new has an empty id.
        var queues = file["worker_queues"]!.AsArray().Select((queue, index) => new JsonObject
        {
            ["astroMachine"] = queue!["worker_type"]!.GetValue<string>().ToUpperInvariant(),
            ["id"] = "",
            ["isDefault"] = index == 0,
            ["maxWorkerCount"] = queue["max_worker_count"]!.GetValue<int>(),
            ["minWorkerCount"] = queue["min_worker_count"]!.GetValue<int>(),
            ["name"] = queue["name"]!.GetValue<string>(),
            ["workerConcurrency"] = queue["worker_concurrency"]!.GetValue<int>(),
        }).ToList();
        Assert.All(queues, queue => Assert.Contains(queue.Text("astroMachine"), options.Objects("workerMachines").Select(machine => machine.Text("name"))));

        var create = settings.DeepClone().AsObject();
        create["astroRuntimeVersion"] = configuration.Text("runtime_version");
        create["cloudProvider"] = configuration.Text("cloud_provider");
        create["isDevelopmentMode"] = configuration.Text("is_development_mode") == "true";
        create["region"] = configuration.Text("region");
        create["workerQueues"] = new JsonArray([.. queues.Select(queue => queue.DeepClone())]);
        var created = (await cli.PostAsync(cli.Deployments(), create)).Body.Text("id");
        Assert.Equal("HEALTHY", await cli.WaitAsync(created));

        await cli.ListDeploymentsAsync();
        var existing = await cli.GetDeploymentAsync(created);
        await cli.GetOptionsAsync();
        settings["contactEmails"] = file["alert_emails"]!.DeepClone();
        settings["environmentVariables"] = new JsonArray([.. file["environment_variables"]!.AsArray().Select(variable => new JsonObject
        {
            ["isSecret"] = variable!["is_secret"]!.GetValue<bool>(), ["key"] = variable["key"]!.GetValue<string>(), ["value"] = variable["value"]!.GetValue<string>(),
        })]);
        foreach (var (queue, old) in queues.Zip(existing.Objects("workerQueues")))
            queue["id"] = old.Text("id");
        settings["workerQueues"] = new JsonArray([.. queues.Select(queue => queue.DeepClone())]);
        var updated = (await cli.PostAsync($"{cli.Deployments()}/{created}", settings)).Body;
        Assert.Equal(["STAGE"], CliDeploymentSteps.Variables(updated).Select(variable => variable.Text("key")));
        Assert.Equal(["a@example.org"], updated.Texts("contactEmails"));
        Assert.Equal(5, Assert.Single(updated.Objects("workerQueues")).Number("workerConcurrency"));
        ReplayTable.Show("astro deployment create --deployment-file", cli, $"Deployment {name}");
        return (await CliInspection.RunAsync(cli, created)).Key("metadata.deployment_id");
    }

    /// <summary>What every action begins with: the Workspace, and the id for a name.</summary>
    private async Task<string> ChooseAsync(string name)
    {
        _requests = 0;
        await RunAsync(async cli =>
        {
            await cli.SwitchWorkspaceAsync(Server.WorkspaceId);
            return true;
        });
        return await KeyAsync(name, "metadata.deployment_id");
    }

    private async Task DeployAsync(string id, string type)
    {
        // The text decides between DAGs alone and an image.
        Assert.Equal("true", await KeyAsync(id, "configuration.dag_deploy_enabled"));
        await RunAsync(async cli =>
        {
            await cli.GetDeploymentAsync(id);
            var body = type switch
            {
                "dbt" => CliDeployReplayTests.BundleBody(null),
                "image-only" => CliDeploySteps.DeployBody("IMAGE_ONLY", "Deployed from commit 1"),
                "image-and-dags" => CliDeploySteps.DeployBody("IMAGE_AND_DAG", "Deployed from commit 1"),
                _ => CliDeploySteps.DeployBody("DAG_ONLY", "Deployed from commit 1"),
            };
            var deploy = await cli.CreateDeployAsync(id, body);
            if (type.StartsWith("image", StringComparison.Ordinal))
                await cli.GetOptionsAsync();
            var version = type == "image-only" ? ""
                : await cli.UploadAsync(deploy.Text(type == "dbt" ? "bundleUploadUrl" : "dagsUploadUrl"), CliDeployReplayTests.Archive(200));
            await cli.FinalizeAsync(id, deploy.Text("id"), new JsonObject { [type == "dbt" ? "bundleTarballVersion" : "dagTarballVersion"] = version });
            Assert.Equal("HEALTHY", await cli.WaitAsync(id));
            return true;
        });
    }

    private Task<string> KeyAsync(string deployment, string key) => RunAsync(async cli => (await CliInspection.RunAsync(cli, deployment)).Key(key));

    private async Task<T> RunAsync<T>(Func<CliReplay, Task<T>> command)
    {
        using var cli = new CliReplay(Server, identifier: "deploy-action");
        await cli.SetUpAsync();
        var result = await command(cli);
        _requests += cli.Sent.Count;
        return result;
    }

    private static string Unique() => EntityId.New(TimeProvider.System);
}
