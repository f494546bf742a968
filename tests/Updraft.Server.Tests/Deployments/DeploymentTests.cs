using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Deployments;

public sealed class DeploymentTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private string Deployments => $"{Server.OrganizationPath}/deployments";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/v1")]
    [InlineData("/platform/v1beta1")]
    public async Task New_Deployment_has_all_fields_that_clients_need(string prefix)
    {
        var created = await Server.Client.PostOkAsync($"{prefix}/organizations/{Server.OrganizationId}/deployments",
            new JsonObject { ["name"] = "new " + prefix, ["workspaceId"] = Server.WorkspaceId });
        string[] fields =
        [
            "id", "name", "namespace", "organizationId", "workspaceId", "workspaceName", "type", "status", "runtimeVersion",
            "astroRuntimeVersion", "airflowVersion", "isDagDeployEnabled", "isCicdEnforced", "executor", "schedulerSize",
            "schedulerReplicas",
            "schedulerCpu", "schedulerMemory", "defaultTaskPodCpu", "defaultTaskPodMemory", "resourceQuotaCpu", "resourceQuotaMemory",
            "isHighAvailability", "isDevelopmentMode", "webServerUrl", "webServerAirflowApiUrl", "webServerIngressHostname", "webServerCpu",
            "webServerMemory", "uiUrl", "apiUrl", "imageRepository", "imageTag", "createdAt", "updatedAt", "createdBy", "updatedBy",
            "environmentVariables", "contactEmails",
        ];
        Assert.All(fields, field => Assert.NotNull(created[field]));
        Assert.Equal("STANDARD", created.Text("type"));
        Assert.True(created["isDagDeployEnabled"]!.GetValue<bool>());
        Assert.Equal("HEALTHY", created.Text("status"));
        Assert.Equal(("", "", "NA"), (created.Text("runtimeVersion"), created.Text("imageTag"), created.Text("airflowVersion")));
        Assert.False(created.ContainsKey("clusterId"), "The CLI would send a request for the cluster.");
        // The Terraform provider expects the fields that it sent. The astro CLI reads the queues of each Celery Deployment.
        Assert.Equal(prefix == "/v1" ? "[]" : null, created["workerQueues"]?.ToJsonString());
        Assert.Empty(created["environmentVariables"]!.AsArray());
    }

    [Fact]
    public async Task Times_are_in_UTC_and_end_with_Z()
    {
        var created = await ReadAsync(await Server.CreateDeploymentAsync("times"));
        Assert.Matches(new Regex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z$", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)),
            created.Text("createdAt"));
    }

    [Fact]
    public async Task Namespace_is_legal_in_an_image_path_without_a_scheme()
    {
        var created = await ReadAsync(await Server.CreateDeploymentAsync("namespace"));
        Assert.Matches(new Regex("^[a-z]+-[a-z]+-[0-9]{4}$", RegexOptions.None, TimeSpan.FromSeconds(1)), created.Text("namespace"));
        Assert.Equal($"localhost:5555/{Server.OrganizationId}/{created.Text("id")}", created.Text("imageRepository"));
        Assert.StartsWith($"127.0.0.1:{Server.BaseAddress.Port}/", created.Text("webServerUrl"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runtime_of_the_request_is_in_both_fields()
    {
        var created = await ReadAsync(await Server.CreateDeploymentAsync("runtime", runtimeVersion: "13.1.0"));
        Assert.Equal(("13.1.0", "13.1.0"), (created.Text("runtimeVersion"), created.Text("astroRuntimeVersion")));
    }

    [Fact]
    public async Task Settings_are_returned_unchanged()
    {
        var body = Parse($$$"""
            {"name":"exact","workspaceId":"{{{Server.WorkspaceId}}}","description":"Zeile 1\nligne 2","executor":"KUBERNETES",
             "schedulerSize":"LARGE","isHighAvailability":true,"isDevelopmentMode":true,"isDagDeployEnabled":false,"isCicdEnforced":true,
             "defaultTaskPodCpu":"0.50","defaultTaskPodMemory":"1Gi","resourceQuotaCpu":"16","resourceQuotaMemory":"32Gi",
             "cloudProvider":"AWS","region":"eu-central-1","contactEmails":["b@example.org","a@example.org"],
             "scalingSpec":{"hibernationSpec":{"schedules":[{"hibernateAtCron":"0 20 * * *","wakeAtCron":"0 6 * * *","isEnabled":true}]} } }
            """);
        var created = await Server.Client.PostOkAsync(Deployments, body);
        foreach (var (field, value) in body)
            Assert.True(JsonNode.DeepEquals(value, created[field]), $"{field} came back as {created[field]?.ToJsonString()}");
        Assert.Equal(("4", "8Gi", 2),
            (created.Text("schedulerCpu"), created.Text("schedulerMemory"), created["schedulerReplicas"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Worker_queues_are_returned_complete()
    {
        var body = Parse($$"""
            {"name":"queues","workspaceId":"{{Server.WorkspaceId}}","workerQueues":[{"name":"default","isDefault":true,"astroMachine":"A10",
             "maxWorkerCount":4,"minWorkerCount":0,"workerConcurrency":20}]}
            """);
        var queue = (await Server.Client.PostOkAsync(Deployments, body))["workerQueues"]![0]!.AsObject();
        Assert.Equal(("2", "4Gi", "A10", 25),
            (queue.Text("podCpu"), queue.Text("podMemory"), queue.Text("astroMachine"), queue.Text("id").Length));
    }

    public static TheoryData<string, string> BadFields => new()
    {
        { """{"name":null}""", "'name'" },
        { """{"name":"tab\there"}""", "'name'" },
        { """{"workspaceId":null}""", "'workspaceId'" },
        { """{"workspaceId":"c00000000000000000unknown"}""", "'workspaceId'" },
        { """{"type":"SHARED"}""", "'type'" },
        { """{"type":"DEDICATED","clusterId":"c00000000000000000unknown"}""", "'clusterId'" },
        { """{"type":"HYBRID","scheduler":{"au":4,"replicas":1}}""", "'scheduler.au'" },
        {
            """{"type":"HYBRID","workerQueues":[{"name":"q","isDefault":true,"maxWorkerCount":1,"minWorkerCount":0,"workerConcurrency":1}]}""",
            "nodePoolId"
        },
        { """{"executor":"SEQUENTIAL"}""", "'executor'" },
        { """{"schedulerSize":"HUGE"}""", "'schedulerSize'" },
        { """{"cloudProvider":"MOON"}""", "'cloudProvider'" },
        { """{"resourceQuotaCpu":"lots"}""", "'resourceQuotaCpu'" },
        { """{"contactEmails":["nobody"]}""", "'contactEmails'" },
        { """{"environmentVariables":[{"key":"A=B","value":"x","isSecret":false}]}""", "'environmentVariables'" },
        { """{"environmentVariables":[{"key":"A","isSecret":false},{"key":"A","isSecret":true}]}""", "twice" },
        { """{"environmentVariables":[null]}""", "'environmentVariables'" },
        { """{"workerQueues":[{"name":"q","astroMachine":"A7"}]}""", "astroMachine" },
        { """{"remoteExecution":{"allowedIpAddressRanges":[]}}""", "'remoteExecution.enabled'" },
        { """{"remoteExecution":{"enabled":true,"allowedIpAddressRanges":["everywhere"]}}""", "'remoteExecution.allowedIpAddressRanges'" },
        { """{"astroRuntimeVersion":"13 or so"}""", "'astroRuntimeVersion'" },
        { """{"scalingSpec":{"hibernationSpec":{"schedules":[{"hibernateAtCron":"never"}]}}}""", "five fields" },
    };

    [Theory]
    [InlineData("0  20 * *  *")]
    [InlineData(" 0 20 * * * ")]
    public async Task Cron_expression_with_more_blanks_is_kept(string cron)
    {
        var schedule = new JsonObject { ["hibernateAtCron"] = cron, ["wakeAtCron"] = "0 6 * * *", ["isEnabled"] = true };
        var created = await Server.Client.PostOkAsync(Deployments, new JsonObject
        {
            ["name"] = $"blanks {cron}",
            ["workspaceId"] = Server.WorkspaceId,
            ["isDevelopmentMode"] = true,
            ["scalingSpec"] = new JsonObject { ["hibernationSpec"] = new JsonObject { ["schedules"] = new JsonArray(schedule) } },
        });

        Assert.Equal(cron, created["scalingSpec"]!["hibernationSpec"]!["schedules"]![0]!["hibernateAtCron"]!.GetValue<string>());
    }

    [Theory]
    [MemberData(nameof(BadFields))]
    public async Task Invalid_field_is_rejected_by_name(string fields, string expected)
    {
        var body = new JsonObject { ["name"] = "bad", ["workspaceId"] = Server.WorkspaceId };
        foreach (var (name, value) in Parse(fields))
            body[name] = value?.DeepClone();
        var message = await Server.Client.PostErrorAsync(Deployments, body.ToJsonString(), HttpStatusCode.BadRequest);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("name", 500)]
    [InlineData("description", 1000)]
    public async Task Text_is_accepted_up_to_its_limit(string field, int limit)
    {
        var body = new JsonObject { ["name"] = "limit " + field, ["workspaceId"] = Server.WorkspaceId, [field] = new string('é', limit) };
        await Server.Client.PostOkAsync(Deployments, body);
        body[field] = new string('é', limit + 1);
        await Server.Client.PostErrorAsync(Deployments, body.ToJsonString(), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Name_is_unique_per_Workspace()
    {
        var other = await Server.CreateWorkspaceAsync("names");
        await Server.CreateDeploymentAsync("same");
        await Server.CreateDeploymentAsync("same", other);
        var body = new JsonObject { ["name"] = "same", ["workspaceId"] = other };
        await Server.Client.PostErrorAsync(Deployments, body.ToJsonString(), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Create_in_an_invisible_Workspace_is_rejected()
    {
        var other = await Server.CreateWorkspaceAsync("elsewhere");
        var client = Server.ClientWith(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", Server.WorkspaceId));
        var body = new JsonObject { ["name"] = "x", ["workspaceId"] = other };
        await client.PostErrorAsync(Deployments, body.ToJsonString(), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Deleted_Deployment_is_gone_at_once_and_frees_its_name()
    {
        var id = await Server.CreateDeploymentAsync("gone");
        var agent = Server.ClientWith(await Server.CreateAgentTokenAsync(id));
        var admin = Server.ClientWith(await Server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", id));
        await admin.GetOkAsync($"{Deployments}/{id}");
        using var deletion = await admin.DeleteAsync($"{Deployments}/{id}", Cancelled);
        using var again = await Server.Client.DeleteAsync($"{Deployments}/{id}", Cancelled);
        using var read = await Server.Client.GetAsync($"{Deployments}/{id}", Cancelled);
        using var byAdmin = await admin.GetAsync($"{Deployments}/{id}", Cancelled);
        using var byAgent = await agent.GetAsync("/v1/organizations", Cancelled);
        var list = await Server.Client.GetOkAsync($"{Deployments}?deploymentIds={id}");
        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NotFound, HttpStatusCode.NotFound),
            (deletion.StatusCode, again.StatusCode, read.StatusCode));
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (byAdmin.StatusCode, byAgent.StatusCode));
        Assert.Equal(0, list["totalCount"]!.GetValue<int>());
        await Server.CreateDeploymentAsync("gone");
    }

    private static JsonObject Parse(string json) => Assert.IsType<JsonObject>(JsonNode.Parse(json));

    private Task<JsonObject> ReadAsync(string id) => Server.Client.GetOkAsync($"{Deployments}/{id}");
}
