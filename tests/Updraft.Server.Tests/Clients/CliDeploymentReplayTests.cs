using System.Net;
using System.Text.Json.Nodes;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Clients;

/// <summary>The CLI's Workspace and Deployment commands, request by request.</summary>
public sealed class CliDeploymentReplayTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static readonly (string, string)[] CreateQuery = [("deploymentType", "STANDARD"), ("cloudProvider", "AZURE")];

    private UpdraftServer Server => shared.Server;

    [Fact]
    public async Task Workspace_list_and_switch()
    {
        var name = Unique();
        var id = await Server.CreateWorkspaceAsync(name);
        using var cli = await SetUpAsync();

        Assert.Contains(name, (await cli.ListWorkspacesAsync()).Select(workspace => workspace.Text("name")));
        Assert.Equal($"GET /v1/organizations/{Server.OrganizationId}/workspaces?limit=1000&offset=0&sorts=name%3Aasc", cli.Sent[^1]);
        ReplayTable.Show("astro workspace list", cli, name);

        foreach (var wanted in (string[])[name, id])
        {
            using var second = await SetUpAsync();
            await second.SwitchWorkspaceAsync(wanted);
            Assert.Equal(id, second.Workspace);
            ReplayTable.Show($"astro workspace switch {(wanted == id ? "ID" : "NAME")}", second, $"Workspace {name}");
        }
    }

    [Fact]
    public async Task Deployment_list()
    {
        var elsewhere = await Server.CreateWorkspaceAsync(Unique());
        var (here, there) = (await Server.CreateDeploymentAsync(Unique()), await Server.CreateDeploymentAsync(Unique(), elsewhere));

        using var cli = await SetUpAsync();
        var list = await cli.ListDeploymentsAsync();
        Assert.Contains(here, list.Select(deployment => deployment.Text("id")));
        Assert.DoesNotContain(there, list.Select(deployment => deployment.Text("id")));
        Assert.Equal($"GET {cli.Deployments()}?limit=1000&offset=0&workspaceIds={Server.WorkspaceId}", cli.Sent[^1]);
        ReplayTable.Show("astro deployment list", cli, $"{list.Count} Deployments");

        using var second = await SetUpAsync();
        var all = await second.ListDeploymentsAsync(all: true);
        Assert.Superset(new HashSet<string> { here, there }, all.Select(deployment => deployment.Text("id")).ToHashSet());
        Assert.Equal($"GET {cli.Deployments()}?limit=1000&offset=0", second.Sent[^1]);
        ReplayTable.Show("astro deployment list --all", second, $"{all.Count} Deployments");
    }

    [Theory]
    [InlineData("STANDARD")]
    [InlineData("DEDICATED")]
    [InlineData("HYBRID")]
    public async Task Deployment_inspect(string type)
    {
        var name = Unique();
        await CreateAsync(name, type);

        foreach (var (key, value) in ((string, string?)[])[("metadata.deployment_id", null), ("configuration.name", name),
            ("configuration.dag_deploy_enabled", "true"), ("configuration.deployment_type", type),
            ("configuration.is_development_mode", "false"),
            ("metadata.status", "HEALTHY")])
        {
            using var cli = await SetUpAsync();
            var shown = (await CliInspection.RunAsync(cli, name)).Key(key);
            Assert.Equal(value ?? shown, shown);
            // The CLI requests the cluster only if there is one.
            Assert.Equal(type == "STANDARD" ? 3 : 4, cli.Sent.Count);
            ReplayTable.Show($"astro deployment inspect --key {key}", cli, $"{type}: {shown}");
        }
        using var last = await SetUpAsync();
        var template = (await CliInspection.RunAsync(last, name)).Template();
        Assert.Equal("Default", template["configuration"]!["workspace_name"]!.GetValue<string>());
        ReplayTable.Show("astro deployment inspect --template", last, $"{type}: {template["configuration"]!.AsObject().Count} settings");
    }

    [Fact]
    public async Task Deployment_create()
    {
        using var cli = await SetUpAsync();
        var options = await cli.GetOptionsAsync(CreateQuery);
        var expected = $"GET /v1/organizations/{cli.Organization}/deployment-options?cloudProvider=AZURE&deploymentType=STANDARD";
        Assert.Equal(expected, cli.Sent[^1]);
        Assert.Contains(cli.Workspace, (await cli.ListWorkspacesAsync()).Select(workspace => workspace.Text("id")));
        // Without --region, the user selects it from an array without paging.
        var regions = await cli.GetAsync(
            $"/v1/organizations/{cli.Organization}/cluster-options", ("provider", "AZURE"), ("type", "DEDICATED"));
        Assert.Equal(HttpStatusCode.OK, regions.Status);
        Assert.NotEmpty(regions.Json!.Value[0].GetProperty("regions")[0].GetProperty("name").GetString()!);
        var created = (await cli.PostAsync(cli.Deployments(), cli.CreateBody(Unique(), options))).Body;
        CliDeploymentSteps.ReadRow(created);
        ReplayTable.Show("astro deployment create", cli, $"Successfully created Deployment: {created.Text("name")}");

        Assert.Equal("HEALTHY", await cli.WaitAsync(created.Text("id")));
        ReplayTable.Show("astro deployment create --wait", cli, "Deployment is now healthy");
    }

    [Theory]
    [InlineData("disable")]
    [InlineData("enable")]
    public async Task Deployment_update(string wanted)
    {
        var name = Unique();
        await CreateAsync(name, "STANDARD", """
            {"environmentVariables":[{"key":"PASSWORD","value":"s3cret","isSecret":true},{"key":"STAGE","value":"prod","isSecret":false}],
             "description":"orders"}
            """, isDagDeployEnabled: wanted == "disable");
        using var cli = await SetUpAsync();

        var current = await cli.FindDeploymentAsync(name);
        await cli.GetOptionsAsync();
        var body = CliDeploymentSteps.UpdateBody(current, wanted == "enable");
        Assert.Empty(body["workerQueues"]!.AsArray());
        var updated = (await cli.PostAsync($"{cli.Deployments()}/{current.Text("id")}", body)).Body;
        CliDeploymentSteps.ReadRow(updated);

        Assert.Equal(wanted == "enable", updated.Flag("isDagDeployEnabled"));
        Assert.Equal(["PASSWORD secret ", "STAGE open prod"], CliDeploymentSteps.Variables(updated).Select(variable =>
            $"{variable.Text("key")} {(variable.Flag("isSecret") ? "secret" : "open")} {variable.OptionalText("value")}")
            .Order(StringComparer.Ordinal));
        Assert.Equal("orders", updated.Text("description"));
        ReplayTable.Show($"astro deployment update --dag-deploy {wanted}", cli, "Successfully updated Deployment");
    }

    [Fact]
    public async Task Deployment_delete()
    {
        var name = Unique();
        await Server.CreateDeploymentAsync(name);
        using var cli = await SetUpAsync();

        var found = await cli.FindDeploymentAsync(name);
        Assert.True((await cli.DeleteAsync($"/v1/organizations/{found.Text("organizationId")}/deployments/{found.Text("id")}")).IsSuccess);

        Assert.DoesNotContain(name, (await cli.ListDeploymentsAsync()).Select(deployment => deployment.Text("name")));
        ReplayTable.Show("astro deployment delete", cli, $"Successfully deleted deployment {name}");
    }

    [Fact]
    public async Task Deployment_hibernate_and_wake_up()
    {
        using var cli = await SetUpAsync();
        var name = Unique();
        await cli.PostAsync(cli.Deployments(), cli.CreateBody(name, await cli.GetOptionsAsync(CreateQuery), isDevelopment: true));

        foreach (var (command, isHibernating, until) in ((string, bool, string?)[])
            [("hibernate", true, null), ("hibernate --until", true, "2075-01-01T00:00:00Z"),
            ("wake-up", false, null)])
        {
            using var one = await SetUpAsync();
            var found = await one.FindDeploymentAsync(name);
            Assert.True(found.Flag("isDevelopmentMode"));
            var body = new JsonObject { ["isHibernating"] = isHibernating };
            if (until is not null)
                body["overrideUntil"] = until;
            var response = (await one.PostAsync($"{one.Deployments()}/{found.Text("id")}/hibernation-override", body)).Body;
            Assert.Equal(until is not null, response.Has("overrideUntil"));
            Assert.Equal(isHibernating ? "HIBERNATING" : "HEALTHY", (await CliInspection.RunAsync(one, name)).Key("metadata.status"));
            var end = response.OptionalText("overrideUntil") ?? "further notice";
            ReplayTable.Show($"astro deployment {command}", one, $"Successfully overrode until {end}");
        }
        using var last = await SetUpAsync();
        var removed = await last.FindDeploymentAsync(name);
        Assert.True((await last.DeleteAsync($"{last.Deployments()}/{removed.Text("id")}/hibernation-override")).IsSuccess);
        ReplayTable.Show("astro deployment wake-up --remove-override", last, "Successfully removed override");
    }

    private static string Unique() => EntityId.New(TimeProvider.System);

    private async Task<CliReplay> SetUpAsync()
    {
        var cli = new CliReplay(Server);
        await cli.SetUpAsync();
        return cli;
    }

    private async Task CreateAsync(string name, string type, string more = "{}", bool isDagDeployEnabled = true)
    {
        var body = JsonNode.Parse(more)!.AsObject();
        (body["name"], body["type"]) = (name, type);
        (body["workspaceId"], body["isDagDeployEnabled"]) = (Server.WorkspaceId, isDagDeployEnabled);
        await Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments", body);
    }
}
