using System.Net;
using System.Text.Json.Nodes;
using Updraft.Protocol;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Deploys.Bundles;

/// <summary>A client of the bundles of one new Deployment, and of its deploys.</summary>
internal sealed class BundlesApi
{
    private readonly UpdraftServer _server;
    private DeployAgent? _agent;

    private BundlesApi(UpdraftServer server, string deploymentId) => (_server, DeploymentId) = (server, deploymentId);

    public string DeploymentId { get; }

    public string Deployment => $"{_server.OrganizationPath}/deployments/{DeploymentId}";

    public string Bundles => $"{Deployment}/bundles";

    public string Deploys => $"{Deployment}/deploys";

    public string AlphaDeploys => Deploys.Replace("/v1/", "/v1alpha1/", StringComparison.Ordinal);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<BundlesApi> NewDeploymentAsync(UpdraftServer server, bool dagDeploys = true, bool isCicdEnforced = false,
        string? runtimeVersion = null) =>
        new(server, await server.CreateDeploymentAsync(EntityId.New(TimeProvider.System), isDagDeployEnabled: dagDeploys,
            isCicdEnforced: isCicdEnforced, runtimeVersion: runtimeVersion));

    public Task<JsonObject> CreateDagAsync(string name) =>
        _server.Client.PostOkAsync(Bundles, new JsonObject { ["name"] = name, ["isDagBundle"] = true });

    public Task<JsonObject> CreateNonDagAsync(string mountPath, params string[] dagBundleIds) =>
        _server.Client.PostOkAsync(Bundles, new JsonObject
        {
            ["isDagBundle"] = false,
            ["nonDagMountPath"] = mountPath,
            ["nonDagBundleType"] = "dbt",
            ["dagBundleIds"] = dagBundleIds.Length == 0 ? null : new JsonArray([.. dagBundleIds.Select(id => (JsonNode)id)]),
        });

    public Task<string> CreateErrorAsync(string body, HttpStatusCode status = HttpStatusCode.BadRequest) =>
        _server.Client.PostErrorAsync(Bundles, body, status);

    public Task<JsonObject> GetAsync(string id) => _server.Client.GetOkAsync($"{Bundles}/{id}");

    public async Task<IReadOnlyList<JsonObject>> ListAsync(string query = "?limit=1000") =>
        [.. (await _server.Client.GetOkAsync(Bundles + query))["bundles"]!.AsArray().Select(bundle => bundle!.AsObject())];

    public async Task<JsonObject> MainAsync() => (await ListAsync()).Single(bundle => (bool)bundle["isDefault"]!);

    /// <summary>The one bundle at a mount path.</summary>
    public async Task<JsonObject> AtAsync(string mountPath) => (await ListAsync())
        .Single(bundle => (string?)bundle["nonDagMountPath"] == mountPath);

    public async Task<IReadOnlyList<string>> VersionsAsync(string id) =>
        [.. (await _server.Client.GetOkAsync($"{Bundles}/{id}/versions"))["versions"]!.AsArray()
            .Select(entry => entry!.AsObject().Text("version"))];

    public async Task<HttpStatusCode> DeleteAsync(string id)
    {
        using var response = await _server.Client.DeleteAsync($"{Bundles}/{id}", Cancelled);
        return response.StatusCode;
    }

    public async Task<string> DeleteErrorAsync(string id)
    {
        using var response = await _server.Client.DeleteAsync($"{Bundles}/{id}", Cancelled);
        return (await response.ReadAsync(HttpStatusCode.BadRequest)).Text("message");
    }

    public Task<JsonObject> RollBackAsync(string id, string version) =>
        _server.Client.PostOkAsync($"{Bundles}/{id}/rollback", new JsonObject { ["version"] = version, ["description"] = "back" });

    /// <summary>Deploys DAGs to a DAG bundle; returns the finalized deploy.</summary>
    public async Task<JsonObject> DeployDagsAsync(string content, string? name = null)
    {
        var deploy = await _server.Client.PostOkAsync(AlphaDeploys, new JsonObject { ["type"] = "DAG", ["dagBundleName"] = name });
        return await FinalizeAsync(deploy.Text("id"), "dagTarballVersion", await UploadAsync(deploy.Text("dagsUploadUrl"), content));
    }

    /// <summary>Deploys a non-DAG bundle, or removes it; returns the finalized deploy.</summary>
    public async Task<JsonObject> DeployBundleAsync(string mountPath, string? content)
    {
        var deploy = await _server.Client.PostOkAsync(Deploys,
            new JsonObject { ["type"] = "BUNDLE", ["bundleType"] = "dbt", ["bundleMountPath"] = mountPath });
        return await FinalizeAsync(deploy.Text("id"), "bundleTarballVersion",
            content is null ? "" : await UploadAsync(deploy.Text("bundleUploadUrl"), content));
    }

    public Task<JsonObject> FinalizeAsync(string deploy, string field, string version) =>
        _server.Client.PostOkAsync($"{Deploys}/{deploy}/finalize", new JsonObject { [field] = version });

    public Task<JsonObject> RollBackDeployAsync(string deploy) =>
        _server.Client.PostOkAsync($"{Deploys}/{deploy}/rollback", new JsonObject());

    public async Task<string> UploadAsync(string url, string content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, url) { Content = new ByteArrayContent(UploadSite.Tar(content)) };
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        using var response = await _server.Anonymous.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return Assert.Single(response.Headers.GetValues("x-ms-version-id"));
    }

    /// <summary>The desired versions, by path.</summary>
    public async Task<IReadOnlyDictionary<string, string>> MountsAsync() =>
        (await (await AgentAsync()).StateAsync()).Mounts.ToDictionary(mount => mount.Path, mount => mount.Version);

    public async Task<DesiredState> StateAsync() => await (await AgentAsync()).StateAsync();

    /// <summary>The agent reports the newest revision as active.</summary>
    public async Task ReportActiveAsync() => await (await AgentAsync()).ReportActiveAsync();

    private async Task<DeployAgent> AgentAsync() => _agent ??= await DeployAgent.EnrollAsync(_server, DeploymentId);
}
