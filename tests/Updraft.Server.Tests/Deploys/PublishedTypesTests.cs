using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Deploys;

/// <summary>The setting for clients that were generated from the published description, which lacks a type in responses.</summary>
public sealed class PublishedTypesTests
{
    [Theory]
    [InlineData("true", "DAG_ONLY")]
    [InlineData("false", "BUNDLE")]
    public async Task Bundle_deploy_has_the_type_of_the_setting(string setting, string expected)
    {
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PublishedDeployTypes"] = setting,
        });
        var deployment = await server.CreateDeploymentAsync("strict");
        var path = $"{server.OrganizationPath}/deployments/{deployment}/deploys";

        var created = await server.Client.PostOkAsync(path, new JsonObject
        {
            ["type"] = "BUNDLE",
            ["bundleMountPath"] = "/usr/local/airflow/dbt/shop",
            ["bundleType"] = "dbt",
        });
        var id = created.Text("id");
        var changed = await server.Client.PostOkAsync($"{path}/{id}", new JsonObject { ["description"] = "dbt" });
        var finalized = await server.Client.PostOkAsync($"{path}/{id}/finalize", new JsonObject { ["bundleTarballVersion"] = "" });
        var restored = await server.Client.PostOkAsync($"{path}/{id}/rollback", new JsonObject());
        var listed = (await server.Client.GetOkAsync(path))["deploys"]!.AsArray().Select(deploy => deploy!["type"]!.ToString());
        // The second read comes from the cache.
        var read = new[] { await server.Client.GetOkAsync($"{path}/{id}"), await server.Client.GetOkAsync($"{path}/{id}") };

        Assert.All([created, changed, finalized, .. read], deploy => Assert.Equal(expected, deploy.Text("type")));
        Assert.All([created, changed, finalized, .. read],
            deploy => Assert.Equal("/usr/local/airflow/dbt/shop", deploy.Text("bundleMountPath")));
        Assert.Contains(expected, listed);
        Assert.DoesNotContain(expected == "BUNDLE" ? "none" : "BUNDLE", listed.Append(restored.Text("type")));
    }
}
