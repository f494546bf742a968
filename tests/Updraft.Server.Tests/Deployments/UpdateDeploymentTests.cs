using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Deployments;

public sealed class UpdateDeploymentTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private string Deployments => $"{Server.OrganizationPath}/deployments";

    [Fact]
    public async Task Update_replaces_all_settings_and_keeps_identity_and_runtime()
    {
        var created = await Server.Client.PostOkAsync(Deployments, new JsonObject
        {
            ["name"] = "replace",
            ["workspaceId"] = Server.WorkspaceId,
            ["description"] = "old",
            ["resourceQuotaCpu"] = "99",
            ["contactEmails"] = new JsonArray("a@example.org"),
            ["astroRuntimeVersion"] = "13.1.0",
        });
        var updated = await UpdateAsync(created.Text("id"), body => body["name"] = "replaced");
        Assert.Equal("replaced", updated.Text("name"));
        Assert.Null(updated["description"]);
        Assert.Equal("10", updated.Text("resourceQuotaCpu"));
        Assert.Empty(updated["contactEmails"]!.AsArray());
        foreach (var kept in (string[])["id", "namespace", "createdAt", "runtimeVersion", "imageRepository"])
            Assert.Equal(created.Text(kept), updated.Text(kept));
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
        Assert.False(updated.ContainsKey("workerQueues"));
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

    private async Task<JsonObject> UpdateAsync(string id, Action<JsonObject> change)
    {
        var body = Body("name " + id);
        change(body);
        return await Server.Client.PostOkAsync($"{Deployments}/{id}", body);
    }
}
