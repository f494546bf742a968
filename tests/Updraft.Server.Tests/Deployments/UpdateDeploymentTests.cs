using System.Net;
using System.Text.Json.Nodes;
using Updraft.Server.Tests.Web;

namespace Updraft.Server.Tests.Deployments;

public sealed class UpdateDeploymentTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private string Deployments => $"{Server.OrganizationPath}/deployments";

    /// <summary>Each setting that an update may omit, with a value that is not its default.</summary>
    private static readonly JsonObject Optional = new()
    {
        ["description"] = "old",
        ["isDevelopmentMode"] = true,
        ["defaultTaskPodCpu"] = "1",
        ["defaultTaskPodMemory"] = "1Gi",
        ["resourceQuotaCpu"] = "99",
        ["resourceQuotaMemory"] = "99Gi",
        ["contactEmails"] = new JsonArray("a@example.org"),
        ["workerQueues"] = JsonNode.Parse("""
            [{"name":"default","isDefault":true,"astroMachine":"A5","maxWorkerCount":10,"minWorkerCount":1,"workerConcurrency":5}]
            """),
        ["scalingSpec"] = JsonNode.Parse("""
            {"hibernationSpec":{"schedules":[{"hibernateAtCron":"1 * * * *","wakeAtCron":"2 * * * *","isEnabled":true}]}}
            """),
        ["workloadIdentity"] = "arn:aws:iam::1:role/x",
    };

    [Fact]
    public async Task Update_keeps_identity_and_runtime()
    {
        var created = await Server.Client.PostOkAsync(Deployments, new JsonObject
        {
            ["name"] = "replace",
            ["workspaceId"] = Server.WorkspaceId,
            ["astroRuntimeVersion"] = "13.1.0",
        });
        var updated = await UpdateAsync(created.Text("id"), body => body["name"] = "replaced");
        Assert.Equal("replaced", updated.Text("name"));
        foreach (var kept in (string[])["id", "namespace", "createdAt", "runtimeVersion", "imageRepository"])
            Assert.Equal(created.Text(kept), updated.Text(kept));
    }

    [Theory]
    [InlineData("/v1", true)]
    [InlineData("/labs/v1.1", true)]
    [InlineData("/platform/v1beta1", false)]
    public async Task Setting_that_an_update_omits_stays_except_for_the_Terraform_provider(string prefix, bool stays)
    {
        var path = Deployments.Replace("/v1", prefix, StringComparison.Ordinal);
        var (id, created) = await CreateWithAllAsync("omits " + prefix, path);

        var updated = await Server.Client.PostOkAsync($"{path}/{id}", Body("omits " + prefix));

        var fresh = await Server.Client.GetOkAsync($"{path}/{await Server.CreateDeploymentAsync("defaults " + prefix)}");
        foreach (var (field, _) in Optional)
        {
            var name = field == "workloadIdentity" && stays ? "effectiveWorkloadIdentity" : field;
            Assert.False(JsonNode.DeepEquals(created[name], fresh[name]), $"{name} has its default");
            Assert.True(JsonNode.DeepEquals((stays ? created : fresh)[name], updated[name]), $"{name}: {updated[name]?.ToJsonString()}");
        }
    }

    [Fact]
    public async Task Setting_that_an_update_sets_to_null_gets_its_default()
    {
        var (id, _) = await CreateWithAllAsync("nulls", Deployments);
        var body = Body("nulls");
        foreach (var (field, _) in Optional)
            body[field] = null;
        var updated = await Server.Client.PostOkAsync($"{Deployments}/{id}", body);

        Assert.Equal("10", updated.Text("resourceQuotaCpu"));
        Assert.Empty(updated["contactEmails"]!.AsArray());
        Assert.Empty(updated["workerQueues"]!.AsArray());
        foreach (var absent in (string[])["description", "scalingSpec", "effectiveWorkloadIdentity"])
            Assert.Null(updated[absent]);
    }

    [Fact]
    public async Task Save_of_the_settings_page_keeps_the_other_settings()
    {
        var (id, created) = await CreateWithAllAsync("page", Deployments);
        using var visitor = await Visitor.SignedInAsync(Server);
        var page = $"/deployments/{id}/settings";

        using var response = await visitor.SendFormAsync(page, page, ("name", "page"), ("description", "new"), ("dagDeploys", "true"));

        var saved = await Server.Client.GetOkAsync($"{Deployments}/{id}");
        Assert.Equal("new", saved.Text("description"));
        foreach (var kept in (string[])["effectiveWorkloadIdentity", "scalingSpec", "workerQueues", "contactEmails", "isDevelopmentMode"])
            Assert.True(JsonNode.DeepEquals(created[kept], saved[kept]), kept);
    }

    [Fact]
    public async Task Requests_of_the_astro_CLI_are_accepted()
    {
        var id = await Server.CreateDeploymentAsync("cli");
        var updated = await UpdateAsync(id, body =>
        {
            body["workerQueues"] = null;
            body["isDagDeployEnabled"] = false;
        });
        Assert.False(updated["isDagDeployEnabled"]!.GetValue<bool>());
        // The CLI reads the queues of a Celery Deployment without checking that there are any.
        Assert.Empty(updated["workerQueues"]!.AsArray());
    }

    [Fact]
    public async Task Change_to_the_Kubernetes_executor_removes_the_queues()
    {
        var (id, _) = await CreateWithAllAsync("executor", Deployments);
        var updated = await UpdateAsync(id, body => body["executor"] = "KUBERNETES");
        Assert.Null(updated["workerQueues"]);
        Assert.Empty((await UpdateAsync(id, body => body["executor"] = "CELERY"))["workerQueues"]!.AsArray());
    }

    [Fact]
    public async Task Empty_cloud_provider_counts_as_absent()
    {
        var created = await Server.Client.PostOkAsync(Deployments, new JsonObject
        {
            ["name"] = "template",
            ["workspaceId"] = Server.WorkspaceId,
            ["cloudProvider"] = "",
            ["region"] = "",
        });
        Assert.Null(created["cloudProvider"]);
    }

    [Fact]
    public async Task Update_may_end_CICD_enforcement_and_change_the_DAG_deploy_setting_together()
    {
        var id = await Server.CreateDeploymentAsync("together", isCicdEnforced: true);
        var body = Body("together");
        (body["isCicdEnforced"], body["isDagDeployEnabled"]) = (false, false);
        var updated = await Server.Client.PostOkAsync($"{Deployments}/{id}", body);
        Assert.False(updated["isDagDeployEnabled"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Secret_is_never_returned_and_kept_without_a_value()
    {
        var id = await Server.CreateDeploymentAsync("secrets");
        var first = await UpdateAsync(id, body => body["environmentVariables"] = JsonNode.Parse(
            """[{"key":"PASSWORD","value":"hunter2-canary","isSecret":true},{"key":"STAGE","value":"dev","isSecret":false}]"""));
        Assert.DoesNotContain("hunter2-canary", first.ToJsonString(), StringComparison.Ordinal);
        var second = await UpdateAsync(id, body => body["environmentVariables"] = first["environmentVariables"]!.DeepClone());
        Assert.Equal(first["environmentVariables"]!.ToJsonString(), second["environmentVariables"]!.ToJsonString());
        Assert.Equal("dev", second["environmentVariables"]![1]!["value"]!.GetValue<string>());
        Assert.DoesNotContain("hunter2-canary", Server.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Variable_absent_in_the_update_is_removed()
    {
        var id = await Server.CreateDeploymentAsync("variables");
        await UpdateAsync(id, body => body["environmentVariables"] = JsonNode.Parse("""[{"key":"A","value":"1","isSecret":false}]"""));
        Assert.Empty((await UpdateAsync(id, _ => { }))["environmentVariables"]!.AsArray());
    }

    [Theory]
    [InlineData("environmentVariables")]
    [InlineData("executor")]
    [InlineData("isCicdEnforced")]
    [InlineData("isDagDeployEnabled")]
    [InlineData("isHighAvailability")]
    [InlineData("name")]
    [InlineData("schedulerSize")]
    [InlineData("type")]
    [InlineData("workspaceId")]
    public async Task Update_without_a_required_field_changes_nothing(string field)
    {
        var id = await Server.CreateDeploymentAsync("required " + field);
        var before = await Server.Client.GetOkAsync($"{Deployments}/{id}");
        var body = Body("changed " + field);
        body.Remove(field);
        var message = await Server.Client.PostErrorAsync($"{Deployments}/{id}", body.ToJsonString(), HttpStatusCode.BadRequest);
        Assert.Contains($"'{field}'", message, StringComparison.Ordinal);
        Assert.Equal(before.ToJsonString(), (await Server.Client.GetOkAsync($"{Deployments}/{id}")).ToJsonString());
    }

    [Fact]
    public async Task DAG_deploy_setting_cannot_change_while_CICD_is_enforced()
    {
        var id = await Server.CreateDeploymentAsync("enforced", isCicdEnforced: true);
        var body = Body("enforced");
        (body["isCicdEnforced"], body["isDagDeployEnabled"]) = (true, false);
        var message = await Server.Client.PostErrorAsync($"{Deployments}/{id}", body.ToJsonString(), HttpStatusCode.BadRequest);
        Assert.Contains("'isDagDeployEnabled'", message, StringComparison.Ordinal);
        (body["isCicdEnforced"], body["isDagDeployEnabled"]) = (false, true);
        await Server.Client.PostOkAsync($"{Deployments}/{id}", body);
        body["isDagDeployEnabled"] = false;
        await Server.Client.PostOkAsync($"{Deployments}/{id}", body);
    }

    [Fact]
    public async Task Update_can_change_neither_Workspace_nor_use_a_duplicate_name()
    {
        var id = await Server.CreateDeploymentAsync("stays");
        await Server.CreateDeploymentAsync("taken");
        var body = Body("taken");
        await Server.Client.PostErrorAsync($"{Deployments}/{id}", body.ToJsonString(), HttpStatusCode.BadRequest);
        body = Body("stays");
        body["workspaceId"] = await Server.CreateWorkspaceAsync("target");
        await Server.Client.PostErrorAsync($"{Deployments}/{id}", body.ToJsonString(), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Response_can_be_sent_back_without_an_effect()
    {
        var before = await Server.Client.GetOkAsync($"{Deployments}/{await Server.CreateDeploymentAsync("mass assignment")}");
        var body = Assert.IsType<JsonObject>(before.DeepClone());
        foreach (var field in (string[])["organizationId", "namespace", "status", "imageTag", "imageRepository", "runtimeVersion"])
            body[field] = "forged";
        body["createdBy"] = new JsonObject { ["id"] = "forged" };
        var after = await Server.Client.PostOkAsync($"{Deployments}/{before.Text("id")}", body);
        before.Remove("updatedAt");
        after.Remove("updatedAt");
        Assert.Equal(before.ToJsonString(), after.ToJsonString());
    }

    private JsonObject Body(string name) => new()
    {
        ["name"] = name,
        ["workspaceId"] = Server.WorkspaceId,
        ["type"] = "STANDARD",
        ["executor"] = "CELERY",
        ["schedulerSize"] = "SMALL",
        ["isHighAvailability"] = false,
        ["isCicdEnforced"] = false,
        ["isDagDeployEnabled"] = true,
        ["environmentVariables"] = new JsonArray(),
    };

    /// <summary>Creates a Deployment with all of <see cref="Optional"/>; returns its id and the response.</summary>
    private async Task<(string Id, JsonObject Created)> CreateWithAllAsync(string name, string path)
    {
        var body = Body(name);
        foreach (var (field, value) in Optional)
            body[field] = value!.DeepClone();
        var created = await Server.Client.PostOkAsync(path, body);
        return (created.Text("id"), created);
    }

    private async Task<JsonObject> UpdateAsync(string id, Action<JsonObject> change)
    {
        var body = Body("name " + id);
        change(body);
        return await Server.Client.PostOkAsync($"{Deployments}/{id}", body);
    }
}
