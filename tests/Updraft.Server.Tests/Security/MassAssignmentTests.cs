using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Security;

/// <summary>The server never takes a field from a request that only the server may set.</summary>
public sealed class MassAssignmentTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Forged = "cforged000000000000000000";

    // The fields that a client sets. The server sets all other fields of a response.
    private static readonly string[] Clients =
    [
        "name", "description", "workspaceId", "type", "executor", "schedulerSize", "isDagDeployEnabled", "isCicdEnforced",
            "isHighAvailability",
        "isDevelopmentMode", "defaultTaskPodCpu", "defaultTaskPodMemory", "resourceQuotaCpu", "resourceQuotaMemory", "contactEmails",
        "environmentVariables", "workerQueues", "scalingSpec", "remoteExecution", "astroRuntimeVersion", "cloudProvider", "region",
        "scope", "role",
        "roles", "entityId", "expiryPeriodInDays", "tokenExpiryPeriodInDays", "kind", "cicdEnforcedDefault", "bundleMountPath", "rejectUnmountedFiles",
        "bundleType", "git", "nonDagMountPath",
        "nonDagBundleType", "dagBundleIds", "isDagBundle",
    ];

    private UpdraftServer Server => shared.Server;

    [Theory]
    [InlineData("workspaces", """{"name":"W"}""")]
    [InlineData("deployments", """{"name":"D","workspaceId":"{w}","isDagDeployEnabled":true}""")]
    [InlineData("deployments/{d}/deploys", """{"type":"DAG_ONLY"}""")]
    [InlineData("deployments/{d}/bundles", """{"nonDagMountPath":"/usr/local/airflow/x"}""")]
    [InlineData("tokens", """{"name":"T","scope":"WORKSPACE","role":"WORKSPACE_MEMBER","entityId":"{w}"}""")]
    [InlineData("deployments/{d}/agent-tokens", """{"name":"A"}""")]
    public async Task Response_fields_in_a_creation_are_ignored(string route, string body)
    {
        var path = $"{Server.OrganizationPath}/{Fill(route, await Server.CreateDeploymentAsync($"mass {Path.GetRandomFileName()}"))}";
        var plain = JsonNode.Parse(Fill(body, ""))!.AsObject();
        var honest = await Server.Client.PostOkAsync(path, Named(plain, "honest"));

        var forged = Named(plain, "forged");
        var fields = honest.Where(field => !Clients.Contains(field.Key)).ToList();
        foreach (var (key, value) in fields)
            forged[key] = Forge(value);
        foreach (var key in (string[])["createdBy", "updatedBy", "status", "sequence", "revision", "organizationId", "id", "deletedAt",
            "epoch"])
            forged.TryAdd(key, Forged);
        var made = await Server.Client.PostOkAsync(path, forged);

        Assert.True(fields.Count >= 4, $"The response of {route} has only {fields.Count} fields that the server sets.");
        Assert.DoesNotContain("forged0", made.ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain("1999-", made.ToJsonString(), StringComparison.Ordinal);
        foreach (var (key, value) in fields.Where(field => field.Value is JsonValue))
            Assert.False(JsonNode.DeepEquals(made[key], Forge(value)), $"{route} took '{key}' from the request: {made}");
    }

    [Fact]
    public async Task Response_fields_in_an_update_are_ignored()
    {
        var deployment = await Server.CreateDeploymentAsync("mass update");
        var deploy = await Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments/{deployment}/deploys",
            new JsonObject { ["type"] = "DAG_ONLY" });
        foreach (var path in (string[])[$"deployments/{deployment}", $"deployments/{deployment}/deploys/{deploy.Text("id")}"])
        {
            var url = $"{Server.OrganizationPath}/{path}";
            var before = await Server.Client.GetOkAsync(url);
            var forged = new JsonObject { ["name"] = "mass update", ["description"] = "changed", ["workspaceId"] = Server.WorkspaceId,
                ["isDagDeployEnabled"] = true };
            foreach (var (key, value) in before.Where(field => !forged.ContainsKey(field.Key)))
                forged[key] = Clients.Contains(key) ? value?.DeepClone() : Forge(value);
            forged.TryAdd("environmentVariables", new JsonArray());
            await Server.Client.PostOkAsync(url, forged);
            var after = await Server.Client.GetOkAsync(url);

            Assert.Equal("changed", after.Text("description"));
            foreach (var (key, value) in before.Where(field => field.Key is not ("description" or "updatedAt" or "updatedBy")))
            {
                // Each response has a new signed upload URL.
                if (!key.EndsWith("Url", StringComparison.Ordinal))
                    Assert.True(JsonNode.DeepEquals(value, after[key]), $"{path} changed '{key}' from {value} to {after[key]}");
            }
        }
    }

    [Fact]
    public async Task Update_of_another_field_cannot_change_a_role()
    {
        var member = Server.ClientWith(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", Server.WorkspaceId));
        await member.PostErrorAsync($"{Server.OrganizationPath}/tokens",
            """{"name":"x","scope":"ORGANIZATION","role":"ORGANIZATION_OWNER"}""", HttpStatusCode.Forbidden);
        var made = await member.PostOkAsync($"{Server.OrganizationPath}/tokens", JsonNode.Parse($$"""
            {"name":"x","scope":"WORKSPACE","role":"WORKSPACE_MEMBER","entityId":"{{Server.WorkspaceId}}",
             "roles":[{"entityType":"ORGANIZATION","entityId":"{{Server.OrganizationId}}","role":"ORGANIZATION_OWNER"}]}
            """)!);
        Assert.DoesNotContain("ORGANIZATION_OWNER", made.ToJsonString(), StringComparison.Ordinal);
    }

    private static JsonObject Named(JsonObject body, string suffix)
    {
        var named = body.DeepClone().AsObject();
        if (named.ContainsKey("name"))
            named["name"] = $"{suffix} {Path.GetRandomFileName()}";
        if (named.ContainsKey("nonDagMountPath"))
            named["nonDagMountPath"] = $"/usr/local/airflow/{suffix}";
        return named;
    }

    private static JsonNode? Forge(JsonNode? value) => value switch
    {
        JsonValue text when text.TryGetValue<string>(out var was) => was.Contains('T', StringComparison.Ordinal) && was.EndsWith('Z')
            ? "1999-01-01T00:00:00Z" : Forged,
        JsonValue flag when flag.TryGetValue<bool>(out var was) => !was,
        JsonValue => 424242,
        JsonObject inner => new JsonObject([.. inner.Select(field => KeyValuePair.Create(field.Key, Forge(field.Value)))]),
        JsonArray => new JsonArray(Forged),
        _ => Forged,
    };

    private string Fill(string text, string deployment) => text.Replace("{w}", Server.WorkspaceId, StringComparison.Ordinal)
        .Replace("{d}", deployment, StringComparison.Ordinal);
}
