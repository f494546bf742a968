using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Updraft.Server.Tests.Deploys;

namespace Updraft.Server.Tests.Tenancy;

/// <summary>Responses that would break real clients: Organizations, Workspaces, Deployments, clusters and their options.</summary>
[Trait("Database", "any")]
public sealed class TrapTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static readonly string[] Prefixes = ["/v1", "/platform/v1beta1"];

    // Clients read these fields without a check, so they are present and not null, even if the creation omitted them.
    private static readonly string[] Dereferenced =
    [
        "id", "name", "namespace", "organizationId", "workspaceId", "workspaceName", "type", "status", "runtimeVersion",
            "astroRuntimeVersion",
        "airflowVersion", "isDagDeployEnabled", "isCicdEnforced", "executor", "schedulerSize", "schedulerReplicas", "schedulerCpu",
        "schedulerMemory", "defaultTaskPodCpu", "defaultTaskPodMemory", "resourceQuotaCpu", "resourceQuotaMemory", "isHighAvailability",
        "isDevelopmentMode", "webServerUrl", "webServerAirflowApiUrl", "webServerIngressHostname", "webServerCpu", "webServerMemory",
        "uiUrl",
        "apiUrl", "imageRepository", "imageTag", "createdAt", "updatedAt", "createdBy", "updatedBy",
    ];

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("catalog", "Trap 04")]
    public async Task Success_is_200_with_JSON_and_deletion_is_204()
    {
        foreach (var prefix in Prefixes)
        {
            var organization = $"{prefix}/organizations/{Server.OrganizationId}";
            var workspace = await SendAsync(HttpMethod.Post, $"{organization}/workspaces", $$"""{"name":"w {{Unique()}}"}""");
            var deployment = await SendAsync(HttpMethod.Post, $"{organization}/deployments",
                $$"""{"name":"d {{Unique()}}","workspaceId":"{{workspace.Text("id")}}","isDevelopmentMode":true}""");
            var cluster = (await SendAsync(HttpMethod.Get, $"{organization}/clusters"))["clusters"]![0]!["id"];
            foreach (var path in (string[])["", "/workspaces", $"/workspaces/{workspace.Text("id")}", "/deployments",
                $"/deployments/{deployment.Text("id")}", $"/deployments/{deployment.Text("id")}/logs?sources=scheduler",
                "/deployment-options",
                $"/clusters/{cluster}", "/cluster-options?type=DEDICATED"])
                await SendAsync(HttpMethod.Get, organization + path);
            await SendAsync(HttpMethod.Get, $"{prefix}/organizations");
            await SendAsync(HttpMethod.Post, organization, """{"name":"Default","billingEmail":"","isScimEnabled":false}""");
            await SendAsync(HttpMethod.Post, $"{organization}/workspaces/{workspace.Text("id")}",
                $$"""{"name":"w {{Unique()}}","description":"","cicdEnforcedDefault":false}""");
            await SendAsync(HttpMethod.Post, $"{organization}/deployments/{deployment.Text("id")}", deployment.ToJsonString());
            await SendAsync(HttpMethod.Post, $"{organization}/deployments/{deployment.Text("id")}/hibernation-override", """{"isHibernating":true}""");
            foreach (var path in (string[])[$"/deployments/{deployment.Text("id")}/hibernation-override",
                $"/deployments/{deployment.Text("id")}",
                $"/workspaces/{workspace.Text("id")}"])
            {
                using var deletion = await Server.Client.DeleteAsync(organization + path, Cancelled);
                Assert.Equal(HttpStatusCode.NoContent, deletion.StatusCode);
            }
        }
    }

    [Theory]
    [InlineData("STANDARD")]
    [InlineData("DEDICATED")]
    [InlineData("HYBRID")]
    [Trait("catalog", "Trap 05")]
    [Trait("catalog", "Trap 06")]
    [Trait("catalog", "Trap 07")]
    public async Task Fields_that_clients_dereference_are_present_and_false_is_sent(string type)
    {
        var created = await CreateAsync(type);
        var read = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/deployments/{created.Text("id")}");
        var listed = (await Server.Client.GetOkAsync($"{Server.OrganizationPath}/deployments?deploymentIds={created.Text("id")}"))["deployments"]![0]!.AsObject();
        foreach (var shape in (JsonObject[])[created, read, listed])
        {
            Assert.All(Dereferenced, field => Assert.True(shape[field] is not null, $"{type} has no '{field}': {shape}"));
            foreach (var flag in (string[])["isCicdEnforced", "isHighAvailability", "isDevelopmentMode"])
                Assert.Equal(JsonValueKind.False, shape[flag]!.GetValueKind());
            Assert.Equal(Server.OrganizationId, shape.Text("organizationId"));
            Assert.Equal(type, shape.Text("type"));
            Assert.Empty(shape["environmentVariables"]!.AsArray());
            Assert.Equal(type != "STANDARD", shape.ContainsKey("clusterName"));
        }
    }

    [Fact]
    [Trait("catalog", "Trap 05")]
    public async Task Worker_queue_names_its_machine()
    {
        var queues = (await CreateAsync("STANDARD", """
            {"workerQueues":[{"name":"default","isDefault":true,"astroMachine":"A5","maxWorkerCount":10,"minWorkerCount":0,"workerConcurrency":5}]}
            """))["workerQueues"]!.AsArray();
        var queue = Assert.Single(queues)!.AsObject();
        string[] required = ["id", "isDefault", "maxWorkerCount", "minWorkerCount", "name", "podCpu", "podMemory", "workerConcurrency",
            "astroMachine"];
        Assert.All(required, field => Assert.NotNull(queue[field]));
    }

    [Fact]
    [Trait("catalog", "Trap 14")]
    public async Task Organization_is_always_HOSTED()
    {
        foreach (var prefix in Prefixes)
        {
            foreach (var query in (string[])["", "?limit=100&offset=0", "?product=HYBRID", "?productPlan=TRIAL&sorts=name%3Aasc"])
            {
                var list = await Server.Client.GetOkAsync($"{prefix}/organizations{query}");
                Assert.Equal("HOSTED", list["organizations"]![0]!["product"]!.GetValue<string>());
            }
            Assert.Equal("HOSTED", (await Server.Client.GetOkAsync($"{prefix}/organizations/{Server.OrganizationId}")).Text("product"));
        }
    }

    [Fact]
    [Trait("catalog", "Trap 15")]
    public async Task Finalize_without_agents_does_not_keep_clients_waiting()
    {
        var id = await Server.CreateDeploymentAsync($"no agent {Unique()}");
        await DeployNothingAsync(id);
        Assert.Equal("HEALTHY", await StatusAsync(id));
    }

    [Fact]
    [Trait("catalog", "Trap 15")]
    public async Task Finalize_is_DEPLOYING_until_the_agents_activate_it()
    {
        var id = await Server.CreateDeploymentAsync($"agent {Unique()}");
        var agent = await DeployAgent.EnrollAsync(Server, id);
        await DeployNothingAsync(id);
        Assert.Equal("DEPLOYING", await StatusAsync(id));
        await agent.ReportActiveAsync();
        Assert.Equal("HEALTHY", await StatusAsync(id));
        await DeployNothingAsync(id);
        Assert.Equal("DEPLOYING", await StatusAsync(id));
        await agent.ReportActiveAsync();
        Assert.Equal("HEALTHY", await StatusAsync(id));
    }

    [Fact]
    [Trait("catalog", "Trap 17")]
    public async Task Both_runtime_fields_have_the_same_value()
    {
        foreach (var prefix in Prefixes)
        {
            var created = await Server.Client.PostOkAsync($"{prefix}/organizations/{Server.OrganizationId}/deployments",
                new JsonObject { ["name"] = $"runtime {Unique()}", ["workspaceId"] = Server.WorkspaceId,
                    ["astroRuntimeVersion"] = "13.1.0" });
            Assert.Equal(("13.1.0", "13.1.0"), (created.Text("runtimeVersion"), created.Text("astroRuntimeVersion")));
        }
    }

    [Fact]
    [Trait("catalog", "Trap 18")]
    public async Task Deployment_token_finds_its_own_runtime_in_the_options()
    {
        var id = await Server.CreateDeploymentAsync($"options {Unique()}", runtimeVersion: "13.99.1");
        var client = Server.ClientWith(await Server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", id));
        foreach (var query in (string[])["", "?deploymentType=STANDARD&cloudProvider=AZURE",
            "?cloudProvider=&deploymentType=DEDICATED&executor=CELERY",
            $"?deploymentId={id}"])
        {
            var options = await client.GetOkAsync($"{Server.OrganizationPath}/deployment-options{query}");
            var releases = options["runtimeReleases"]!.AsArray();
            Assert.Contains("13.99.1", releases.Select(row => row!["version"]!.GetValue<string>()));
            Assert.All(releases, row => Assert.True(row!["releaseDate"]!.GetValue<DateTimeOffset>() > DateTimeOffset.UnixEpoch));
            foreach (var quota in (string[])["defaultPodSize", "resourceQuota"])
                Assert.NotNull(options["resourceQuotas"]![quota]!["cpu"]!["default"]);
        }
    }

    [Fact]
    [Trait("catalog", "Trap 19")]
    public async Task Only_a_dedicated_Deployment_names_an_existing_cluster()
    {
        Assert.False((await CreateAsync("STANDARD")).ContainsKey("clusterId"));
        foreach (var type in (string[])["DEDICATED", "HYBRID"])
        {
            var created = await CreateAsync(type);
            var cluster = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/clusters/{created.Text("clusterId")}");
            Assert.Equal(created.Text("clusterName"), cluster.Text("name"));
            Assert.NotEmpty(cluster["nodePools"]!.AsArray());
        }
    }

    [Fact]
    [Trait("catalog", "Trap 20")]
    public async Task Unknown_query_keys_change_nothing_and_numbers_are_integers()
    {
        foreach (var list in (string[])["/organizations", $"/organizations/{Server.OrganizationId}/workspaces",
            $"/organizations/{Server.OrganizationId}/deployments", $"/organizations/{Server.OrganizationId}/clusters"])
        {
            var plain = await Server.Client.GetOkAsync($"/v1{list}");
            var odd = await Server.Client.GetOkAsync($"/v1{list}?whatever=1&search=x&foo[]=2&=3");
            Assert.Equal(plain["totalCount"]!.ToJsonString(), odd["totalCount"]!.ToJsonString());
            Assert.Equal(("20", "0"), (odd["limit"]!.ToJsonString(), odd["offset"]!.ToJsonString()));
            Assert.Matches(new Regex("^[0-9]+$", RegexOptions.None, TimeSpan.FromSeconds(1)), odd["totalCount"]!.ToJsonString());
        }
    }

    [Fact]
    [Trait("catalog", "Trap 21")]
    public async Task CLI_update_keeps_secrets_and_accepts_null_queues()
    {
        var created = await CreateAsync("STANDARD", """{"environmentVariables":[{"key":"PASSWORD","value":"s3cret-canary","isSecret":true}]}""");
        Assert.DoesNotContain("s3cret-canary", created.ToJsonString(), StringComparison.Ordinal);
        var body = created.DeepClone().AsObject();
        body["workerQueues"] = null;
        var updated = await Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments/{created.Text("id")}", body);
        Assert.Equal(created["environmentVariables"]!.ToJsonString(), updated["environmentVariables"]!.ToJsonString());
        Assert.Empty(updated["workerQueues"]!.AsArray());
    }

    [Fact]
    public async Task No_request_is_redirected()
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = Server.BaseAddress };
        client.DefaultRequestHeaders.Authorization = new("Bearer", Server.OwnerToken);
        foreach (var list in (string[])["workspaces", "deployments", "clusters"])
        {
            foreach (var path in (string[])[list, $"{list}/", $"{list}//", list.ToUpperInvariant()])
            {
                using var response = await client.PostAsync($"{Server.OrganizationPath}/{path}", JsonRequests.Json("{}"), Cancelled);
                Assert.NotInRange((int)response.StatusCode, 300, 399);
            }
        }
    }

    [Fact]
    public async Task Keys_are_camelCase_at_every_depth()
    {
        var created = await CreateAsync("DEDICATED", """
            {"isDevelopmentMode":true,"workerQueues":[{"name":"default","isDefault":true,"astroMachine":"A5","maxWorkerCount":1,"minWorkerCount":0,
             "workerConcurrency":5}],"scalingSpec":{"hibernationSpec":{"override":{"isHibernating":true}}},"drWorkloadIdentity":"x",
             "remoteExecution":{"enabled":true}}
            """);
        Assert.Contains("\"effectiveDRWorkloadIdentity\"", created.ToJsonString(), StringComparison.Ordinal);
        foreach (var path in (string[])["", "/deployments", "/workspaces", "/clusters", "/deployment-options"])
        {
            var text = (await Server.Client.GetOkAsync(Server.OrganizationPath + path)).ToJsonString();
            foreach (Match key in Regex.Matches(text, "\"(?<key>[^\"]+)\":", RegexOptions.None, TimeSpan.FromSeconds(5)))
                Assert.Matches("^[a-z][A-Za-z]*$", key.Groups["key"].Value);
        }
    }

    private static string Unique() => Path.GetRandomFileName();

    private async Task<string> StatusAsync(string id) =>
        (await Server.Client.GetOkAsync($"{Server.OrganizationPath}/deployments/{id}")).Text("status");

    // A deploy that removes a bundle needs no upload.
    private async Task DeployNothingAsync(string id)
    {
        var deploys = $"{Server.OrganizationPath}/deployments/{id}/deploys";
        var deploy = await Server.Client.PostOkAsync(deploys,
            new JsonObject { ["type"] = "BUNDLE", ["bundleType"] = "dbt", ["bundleMountPath"] = "/usr/local/airflow/dbt/shop" });
        await Server.Client.PostOkAsync($"{deploys}/{deploy.Text("id")}/finalize", new JsonObject { ["bundleTarballVersion"] = "" });
    }

    private Task<JsonObject> CreateAsync(string type, string more = "{}")
    {
        var body = JsonNode.Parse(more)!.AsObject();
        (body["name"], body["workspaceId"], body["type"]) = ($"{type} {Unique()}", Server.WorkspaceId, type);
        return Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments", body);
    }

    private async Task<JsonObject> SendAsync(HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonRequests.Json(body) };
        using var response = await Server.Client.SendAsync(request, Cancelled);
        var text = await response.Content.ReadAsStringAsync(Cancelled);
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{method} {path} returned {(int)response.StatusCode}: {text}");
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        return JsonNode.Parse(text) as JsonObject ?? [];
    }
}
