using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Tenancy;

/// <summary>
/// Replays the requests of the Terraform provider under <c>/platform/v1beta1</c>: create, read, update, read, delete, read. The
/// provider fails if a configured value is returned differently, or if an attribute is returned that was not configured.
/// </summary>
public sealed class TerraformReplayTests(SharedServer shared, ITestOutputHelper output) : IClassFixture<SharedServer>
{
    // Attributes that the provider also compares if they are not configured. The response must not have them then.
    private static readonly string[] NotComputed =
    [
        "workerQueues", "schedulerAu", "taskPodNodePoolId", "schedulerSize", "isHighAvailability", "isDevelopmentMode", "resourceQuotaCpu",
        "resourceQuotaMemory", "defaultTaskPodCpu", "defaultTaskPodMemory", "scalingSpec",
    ];

    private UpdraftServer Server => shared.Server;

    private string Organization => $"/platform/v1beta1/organizations/{Server.OrganizationId}";

    [Fact]
    public async Task Support_plan_is_only_in_the_beta_API()
    {
        var read = await Server.Client.GetOkAsync(Organization);
        foreach (var field in (string[])["id", "name", "supportPlan", "product", "status", "isScimEnabled", "createdAt", "createdBy",
            "updatedAt", "updatedBy"])
            Assert.NotNull(read[field]);
        Assert.False((await Server.Client.GetOkAsync(Server.OrganizationPath)).ContainsKey("supportPlan"));
        output.WriteLine("| organization | read | 200, all fields |");
    }

    [Fact]
    public async Task Workspace_is_created_updated_and_deleted()
    {
        await LiveAsync("workspace", $"{Organization}/workspaces",
            """{"cicdEnforcedDefault":true,"description":"by terraform","name":"tf workspace"}""",
            """{"cicdEnforcedDefault":false,"description":"","name":"tf workspace 2"}""", []);
        var list = await Server.Client.GetOkAsync($"{Organization}/workspaces?limit=1000&names=Default&offset=0&workspaceIds={Server.WorkspaceId}");
        Assert.Equal(1, list["totalCount"]!.GetValue<int>());
        output.WriteLine("| workspaces | list | 200, 1 row |");
    }

    public static TheoryData<string, string, string> Deployments => new()
    {
        {
            "STANDARD KUBERNETES",
            """
            {"astroRuntimeVersion":"{runtime}","cloudProvider":"AWS","contactEmails":["b@example.org","a@example.org"],"defaultTaskPodCpu":"0.25",
             "defaultTaskPodMemory":"0.5Gi","description":"by terraform","environmentVariables":[{"isSecret":false,"key":"key1","value":"value1"},
             {"isSecret":true,"key":"key2","value":"s3cret"}],"executor":"KUBERNETES","isCicdEnforced":true,"isDagDeployEnabled":true,
             "isDevelopmentMode":false,"isHighAvailability":false,"name":"tf standard","region":"us-east-1","resourceQuotaCpu":"10",
             "resourceQuotaMemory":"20Gi","scalingSpec":{},"schedulerSize":"SMALL","type":"STANDARD","workspaceId":"{workspace}"}
            """,
            """
            {"contactEmails":[],"defaultTaskPodCpu":"0.5","defaultTaskPodMemory":"1Gi","description":"","environmentVariables":[],"executor":"CELERY",
             "isCicdEnforced":true,"isDagDeployEnabled":true,"isDevelopmentMode":false,"isHighAvailability":true,"name":"tf standard 2",
             "resourceQuotaCpu":"20","resourceQuotaMemory":"40Gi","scalingSpec":{},"schedulerSize":"MEDIUM","type":"STANDARD",
             "workerQueues":[{"astroMachine":"A5","isDefault":true,"maxWorkerCount":10,"minWorkerCount":0,"name":"default","workerConcurrency":5},
             {"astroMachine":"A10","isDefault":false,"maxWorkerCount":1,"minWorkerCount":1,"name":"big","workerConcurrency":9}],
             "workspaceId":"{workspace}"}
            """
        },
        {
            "STANDARD development",
            """
            {"astroRuntimeVersion":"{runtime}","cloudProvider":"GCP","contactEmails":[],"defaultTaskPodCpu":"0.25","defaultTaskPodMemory":"0.5Gi",
             "description":"sleeps","environmentVariables":[],"executor":"CELERY","isCicdEnforced":false,"isDagDeployEnabled":true,
             "isDevelopmentMode":true,"isHighAvailability":false,"name":"tf dev","region":"us-central1","resourceQuotaCpu":"10",
             "resourceQuotaMemory":"20Gi","scalingSpec":{"hibernationSpec":{"override":{"isHibernating":true,"overrideUntil":"2075-04-25T12:58:00Z"},
             "schedules":[{"hibernateAtCron":"1 * * * *","isEnabled":true,"wakeAtCron":"59 * * * *"}]}},"schedulerSize":"SMALL","type":"STANDARD",
             "workerQueues":[{"astroMachine":"A5","isDefault":true,"maxWorkerCount":10,"minWorkerCount":0,"name":"default","workerConcurrency":5}],
             "workspaceId":"{workspace}"}
            """,
            """
            {"contactEmails":[],"defaultTaskPodCpu":"0.25","defaultTaskPodMemory":"0.5Gi","description":"sleeps","environmentVariables":[],
             "executor":"KUBERNETES","isCicdEnforced":false,"isDagDeployEnabled":false,"isDevelopmentMode":true,"isHighAvailability":false,
             "name":"tf dev","resourceQuotaCpu":"10","resourceQuotaMemory":"20Gi","scalingSpec":{},"schedulerSize":"LARGE","type":"STANDARD",
             "workspaceId":"{workspace}"}
            """
        },
        {
            "DEDICATED",
            """
            {"astroRuntimeVersion":"{runtime}","clusterId":"{cluster}","contactEmails":[],"defaultTaskPodCpu":"0.25","defaultTaskPodMemory":"0.5Gi",
             "description":"own cluster","environmentVariables":[],"executor":"KUBERNETES","isCicdEnforced":false,"isDagDeployEnabled":true,
             "isDevelopmentMode":false,"isHighAvailability":true,"name":"tf dedicated","resourceQuotaCpu":"10","resourceQuotaMemory":"20Gi",
             "scalingSpec":{},"schedulerSize":"EXTRA_LARGE","type":"DEDICATED","workspaceId":"{workspace}","workloadIdentity":"arn:aws:iam::1:role/x"}
            """,
            """
            {"contactEmails":[],"defaultTaskPodCpu":"0.25","defaultTaskPodMemory":"0.5Gi","description":"own cluster","environmentVariables":[],
             "executor":"KUBERNETES","isCicdEnforced":false,"isDagDeployEnabled":true,"isDevelopmentMode":false,"isHighAvailability":false,
             "name":"tf dedicated","resourceQuotaCpu":"11","resourceQuotaMemory":"22Gi","scalingSpec":{},"schedulerSize":"SMALL","type":"DEDICATED",
             "workspaceId":"{workspace}","workloadIdentity":"arn:aws:iam::1:role/y"}
            """
        },
        {
            "DEDICATED remote execution",
            """
            {"astroRuntimeVersion":"{runtime}","clusterId":"{cluster}","contactEmails":[],"description":"elsewhere","environmentVariables":[],
             "executor":"ASTRO","isCicdEnforced":false,"isDagDeployEnabled":true,"isDevelopmentMode":false,"isHighAvailability":false,
             "name":"tf remote","remoteExecution":{"allowedIpAddressRanges":["8.8.8.8/32"],"enabled":true},"scalingSpec":{},
             "schedulerSize":"SMALL","type":"DEDICATED","workspaceId":"{workspace}"}
            """,
            """
            {"contactEmails":[],"defaultTaskPodCpu":"250m","defaultTaskPodMemory":"512Mi","description":"elsewhere","environmentVariables":[],
             "executor":"ASTRO","isCicdEnforced":false,"isDagDeployEnabled":true,"isDevelopmentMode":false,"isHighAvailability":false,
             "name":"tf remote","remoteExecution":{"allowedIpAddressRanges":[],"enabled":true,"taskLogBucket":"s3://logs"},
             "resourceQuotaCpu":"0.250","resourceQuotaMemory":"20480Mi","scalingSpec":{},"schedulerSize":"SMALL","type":"DEDICATED",
             "workspaceId":"{workspace}"}
            """
        },
        {
            "STANDARD texts",
            """
            {"astroRuntimeVersion":"{runtime}","cloudProvider":"GCP","contactEmails":["Ann@Example.org"],"defaultTaskPodCpu":"0.250",
             "defaultTaskPodMemory":"512Mi","description":" blanks and ümlauts ","environmentVariables":[{"isSecret":false,"key":"K","value":" a\nb "}],
             "executor":"ASTRO","isCicdEnforced":false,"isDagDeployEnabled":true,"isDevelopmentMode":true,"isHighAvailability":false,
             "name":"tf texts","region":"us-central1","resourceQuotaCpu":"1000m","resourceQuotaMemory":"20480Mi","scalingSpec":{"hibernationSpec":
             {"override":{"isHibernating":true,"overrideUntil":"2075-04-25T12:58:00+05:30"},
             "schedules":[{"hibernateAtCron":"1  * * * *","isEnabled":true,"wakeAtCron":"59 * *  * *"}]}},"schedulerSize":"EXTRA_LARGE",
             "type":"STANDARD","workspaceId":"{workspace}"}
            """,
            """
            {"contactEmails":[],"defaultTaskPodCpu":"0.25","defaultTaskPodMemory":"0.5Gi","description":"","environmentVariables":[],"executor":"ASTRO",
             "isCicdEnforced":false,"isDagDeployEnabled":false,"isDevelopmentMode":true,"isHighAvailability":false,"name":"tf texts",
             "resourceQuotaCpu":"10","resourceQuotaMemory":"20Gi","scalingSpec":{"hibernationSpec":{"override":{"isHibernating":false,
             "overrideUntil":"2075-04-25T12:58:00.500Z"}}},"schedulerSize":"LARGE","type":"STANDARD","workspaceId":"{workspace}"}
            """
        },
        {
            "HYBRID",
            """
            {"astroRuntimeVersion":"{runtime}","clusterId":"{cluster}","contactEmails":[],"description":"hybrid","environmentVariables":[],
             "executor":"KUBERNETES","isCicdEnforced":false,"isDagDeployEnabled":true,"name":"tf hybrid","scheduler":{"au":5,"replicas":1},
             "taskPodNodePoolId":"{pool}","type":"HYBRID","workspaceId":"{workspace}"}
            """,
            """
            {"contactEmails":[],"description":"hybrid","environmentVariables":[],"executor":"CELERY","isCicdEnforced":false,"isDagDeployEnabled":true,
             "name":"tf hybrid","scheduler":{"au":6,"replicas":2},"type":"HYBRID","workerQueues":[{"isDefault":true,"maxWorkerCount":10,
             "minWorkerCount":0,"name":"default","nodePoolId":"{pool}","workerConcurrency":5}],"workspaceId":"{workspace}"}
            """
        },
    };

    [Theory]
    [MemberData(nameof(Deployments))]
    public async Task Deployment_is_created_updated_and_deleted(string kind, string create, string update)
    {
        var options = await Server.Client.GetOkAsync($"{Organization}/deployment-options?cloudProvider=&deploymentType={kind.Split(' ')[0]}&executor=CELERY");
        var runtime = options["runtimeReleases"]![0]!["version"]!.GetValue<string>();
        var cluster = (await Server.Client.GetOkAsync($"{Organization}/clusters"))["clusters"]![0]!;
        string Fill(string body) => body.Replace("{runtime}", runtime, StringComparison.Ordinal)
            .Replace("{workspace}", Server.WorkspaceId, StringComparison.Ordinal)
            .Replace("{cluster}", cluster["id"]!.GetValue<string>(), StringComparison.Ordinal)
            .Replace("{pool}", cluster["nodePools"]![0]!["id"]!.GetValue<string>(), StringComparison.Ordinal);

        await LiveAsync($"deployment {kind}", $"{Organization}/deployments", Fill(create), Fill(update), NotComputed);
    }

    [Fact]
    public async Task Sizes_of_remote_execution_have_defaults_for_the_CLI_only()
    {
        var created = await Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments", new JsonObject
        {
            ["name"] = "remote sizes",
            ["workspaceId"] = Server.WorkspaceId,
            ["type"] = "DEDICATED",
            ["executor"] = "ASTRO",
            ["remoteExecution"] = new JsonObject { ["enabled"] = true },
        });
        Assert.Equal(("0.25", "20Gi"), (created.Text("defaultTaskPodCpu"), created.Text("resourceQuotaMemory")));
        var beta = $"{Organization}/deployments/{created.Text("id")}";
        Assert.False((await Server.Client.GetOkAsync(beta)).ContainsKey("defaultTaskPodCpu"));

        var local = await Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments/{created.Text("id")}", new JsonObject
        {
            ["name"] = "remote sizes",
            ["workspaceId"] = Server.WorkspaceId,
            ["type"] = "DEDICATED",
            ["executor"] = "KUBERNETES",
            ["isDagDeployEnabled"] = true,
            ["isCicdEnforced"] = false,
            ["isHighAvailability"] = false,
            ["schedulerSize"] = "SMALL",
            ["environmentVariables"] = new JsonArray(),
            ["remoteExecution"] = null,
        });
        Assert.Equal("10", local.Text("resourceQuotaCpu"));
        Assert.Equal("10", (await Server.Client.GetOkAsync(beta)).Text("resourceQuotaCpu"));
    }

    [Theory]
    [InlineData("/v1")]
    [InlineData("/iam/v1beta1")]
    public async Task Roles_for_DAGs_are_rejected_and_change_nothing(string prefix)
    {
        var (user, _, _) = await Server.AddUserAsync($"dag-roles{prefix.Length}@example.org");
        var roles = $"{prefix}/organizations/{Server.OrganizationId}/users/{user}/roles";
        var request = new JsonObject
        {
            ["organizationRole"] = "ORGANIZATION_OWNER",
            ["dagRoles"] = new JsonArray(new JsonObject { ["dagId"] = "d", ["deploymentId"] = "x", ["role"] = "DAG_VIEWER" }),
        };
        using var rejected = await Server.Client.PostAsync(roles, JsonRequests.Json(request.ToJsonString()), TestContext.Current.CancellationToken);
        var error = await rejected.ReadAsync(HttpStatusCode.BadRequest);
        Assert.Contains("'dagRoles' must be empty", error.Text("message"), StringComparison.Ordinal);
        var read = await Server.Client.GetOkAsync($"{prefix}/organizations/{Server.OrganizationId}/users/{user}");
        Assert.Equal("ORGANIZATION_MEMBER", read.Text("organizationRole"));

        request["dagRoles"] = new JsonArray();
        Assert.Equal("ORGANIZATION_OWNER", (await Server.Client.PostOkAsync(roles, request)).Text("organizationRole"));
    }

    [Fact]
    public async Task List_for_data_sources_has_the_shape_of_the_single_resource()
    {
        var created = await Server.Client.PostOkAsync($"{Organization}/deployments", new JsonObject
        {
            ["name"] = "tf data",
            ["workspaceId"] = Server.WorkspaceId,
            ["workloadIdentity"] = "identity",
        });
        var list = await Server.Client.GetOkAsync($"{Organization}/deployments?deploymentIds={created.Text("id")}&limit=1000&offset=0");
        Assert.True(JsonNode.DeepEquals(created, list["deployments"]![0]));
        Assert.Equal("identity", created.Text("workloadIdentity"));
        var today = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/deployments/{created.Text("id")}");
        Assert.Equal("identity", today.Text("effectiveWorkloadIdentity"));
        Assert.False(today.ContainsKey("workloadIdentity"));
        output.WriteLine("| deployments | list | 200, 1 row |");
    }

    private async Task LiveAsync(string resource, string list, string create, string update, string[] notComputed)
    {
        var created = await Server.Client.PostOkAsync(list, JsonNode.Parse(create)!);
        Compare(create, created, notComputed);
        output.WriteLine($"| {resource} | create | 200, as configured |");
        var path = $"{list}/{created.Text("id")}";
        Compare(create, await Server.Client.GetOkAsync(path), notComputed);
        output.WriteLine($"| {resource} | read | 200, as configured |");
        Compare(update, await Server.Client.PostOkAsync(path, JsonNode.Parse(update)!), notComputed);
        output.WriteLine($"| {resource} | update | 200, as configured |");
        Compare(update, await Server.Client.GetOkAsync(path), notComputed);
        output.WriteLine($"| {resource} | read | 200, as configured |");
        using var deletion = await Server.Client.DeleteAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, deletion.StatusCode);
        output.WriteLine($"| {resource} | delete | 204 |");
        using var gone = await Server.Client.GetAsync(path, TestContext.Current.CancellationToken);
        await gone.ReadAsync(HttpStatusCode.NotFound);
        output.WriteLine($"| {resource} | read | 404 |");
    }

    private static void Compare(string configured, JsonObject response, string[] notComputed)
    {
        var expected = JsonNode.Parse(configured)!.AsObject();
        if (expected["scheduler"] is { } scheduler)
        {
            (expected["schedulerAu"], expected["schedulerReplicas"]) = (scheduler["au"]!.DeepClone(), scheduler["replicas"]!.DeepClone());
            expected.Remove("scheduler");
        }
        // The provider sends an empty spec if none is configured.
        if (expected["scalingSpec"] is JsonObject { Count: 0 })
            expected.Remove("scalingSpec");
        foreach (var (field, value) in expected)
            Assert.True(IsEcho(value, response[field], field),
                $"{field} was {value?.ToJsonString()} and was returned as {response[field]?.ToJsonString()}");
        Assert.All(notComputed.Where(field => !expected.ContainsKey(field)), field =>
            Assert.False(response.ContainsKey(field), $"{field} was not configured: {response}"));
    }

    // Objects may have more fields than configured, such as the IDs of queues. A secret has fewer.
    private static bool IsEcho(JsonNode? expected, JsonNode? got, string field) => (expected, got) switch
    {
        (JsonObject left, JsonObject right) => left.All(pair => left["isSecret"]?.GetValue<bool>() == true && pair.Key == "value"
            ? !right.ContainsKey("value") : IsEcho(pair.Value, right[pair.Key], pair.Key)),
        (JsonArray left, JsonArray right) =>
            left.Count == right.Count && left.Zip(right).All(pair => IsEcho(pair.First, pair.Second, field)),
        _ => JsonNode.DeepEquals(expected, got),
    };
}
