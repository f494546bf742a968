using System.Formats.Tar;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Deploys;

/// <summary>A client of the deploy operations of one Deployment.</summary>
internal sealed class DeploysApi
{
    private readonly UpdraftServer _server;
    private readonly HttpClient _client;
    private readonly string _id, _path;
    private DeployAgent? _agent;

    private DeploysApi(UpdraftServer server, HttpClient client, string id, string prefix)
    {
        (_server, _client, _id) = (server, client, id);
        _path = $"{prefix}/organizations/{server.OrganizationId}/deployments/{id}";
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Creates a Deployment; the client has the owner token.</summary>
    public static Task<DeploysApi> NewDeploymentAsync(SharedServer server, bool dagDeploys = true, string prefix = "/v1",
        bool isCicdEnforced = false) => NewDeploymentAsync(server.Server, dagDeploys, prefix, isCicdEnforced);

    /// <summary>Creates a Deployment; the client has the owner token.</summary>
    public static async Task<DeploysApi> NewDeploymentAsync(UpdraftServer server, bool dagDeploys = true, string prefix = "/v1",
        bool isCicdEnforced = false)
    {
        var id = await server.CreateDeploymentAsync(EntityId.New(TimeProvider.System), isDagDeployEnabled: dagDeploys,
            isCicdEnforced: isCicdEnforced);
        return new(server, server.Client, id, prefix);
    }

    public string DeploymentId => _id;

    public Task<System.Text.Json.Nodes.JsonObject> GetDeploymentAsync() => _client.GetOkAsync(_path);

    /// <summary>The same Deployment, with the token of a reader.</summary>
    public async Task<DeploysApi> AsReaderAsync()
    {
        var token = await _server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", _server.WorkspaceId);
        return new(_server, _server.ClientWith(token), _id, "/v1");
    }

    /// <summary>The desired state of the Deployment.</summary>
    public async Task<DesiredState> StateAsync() => await (await AgentAsync()).StateAsync();

    /// <summary>Number of the newest revision.</summary>
    public async Task<long> RevisionAsync() => (await StateAsync()).Revision;

    /// <summary>An agent reports the newest revision as active.</summary>
    public async Task ReportActiveAsync() => await (await AgentAsync()).ReportActiveAsync();

    public async Task<ApiResult> SendAsync(HttpMethod method, string path, string? json = null)
    {
        using var request = new HttpRequestMessage(method, $"{_path}/deploys{path}");
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await _client.SendAsync(request, Cancelled);
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        return new(response.StatusCode, JsonElement.Parse(await response.Content.ReadAsStringAsync(Cancelled)));
    }

    public Task<ApiResult> TryCreateAsync(string json) => SendAsync(HttpMethod.Post, "", json);

    public async Task<JsonElement> CreateAsync(string json) => (await TryCreateAsync(json)).Ok();

    public Task<JsonElement> CreateAsync(DeployKind kind, string? mountPath = null) => CreateAsync(kind == DeployKind.Bundle
        ? $$"""{"type":"BUNDLE","bundleType":"dbt","bundleMountPath":"{{mountPath ?? "/usr/local/airflow/dbt/shop"}}"}"""
        : $$"""{"type":"{{kind.Name()}}"}""");

    public Task<ApiResult> TryFinalizeAsync(string id, string json) => SendAsync(HttpMethod.Post, $"/{id}/finalize", json);

    public async Task<JsonElement> FinalizeAsync(string id, string json) => (await TryFinalizeAsync(id, json)).Ok();

    public Task<ApiResult> TryRollBackAsync(string id, string json = "{}") => SendAsync(HttpMethod.Post, $"/{id}/rollback", json);

    public async Task<JsonElement> RollBackAsync(string id, string json = "{}") => (await TryRollBackAsync(id, json)).Ok();

    public async Task<JsonElement> GetAsync(string id) => (await SendAsync(HttpMethod.Get, $"/{id}")).Ok();

    public async Task<JsonElement> ListAsync(string query = "") => (await SendAsync(HttpMethod.Get, query)).Ok();

    public async Task SetDagDeployAsync(bool enabled)
    {
        var deployment = await _client.GetOkAsync(_path);
        deployment["isDagDeployEnabled"] = enabled;
        await _client.PostOkAsync(_path, deployment);
    }

    public async Task<bool> IsDagDeployEnabledAsync() =>
        (await _client.GetOkAsync(_path))["isDagDeployEnabled"]!.GetValue<bool>();

    /// <summary>Uploads files; returns the version.</summary>
    public async Task<string> UploadAsync(string url, params (string Path, string Text)[] files)
    {
        using var response = await PutAsync(url, files);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return Assert.Single(response.Headers.GetValues("x-ms-version-id"));
    }

    public async Task<HttpResponseMessage> PutAsync(string url, params (string Path, string Text)[] files)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, url) { Content = new ByteArrayContent(Tar(files)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        return await _client.SendAsync(request, Cancelled);
    }

    /// <summary>A whole DAG_ONLY deploy: create, upload, finalize. Returns the finalized deploy.</summary>
    public async Task<JsonElement> DeployDagsAsync(string text = "one", DeployKind kind = DeployKind.DagOnly)
    {
        var deploy = await CreateAsync(kind);
        var version = await UploadAsync(deploy.Text("dagsUploadUrl"), ("dags/shop.py", text));
        return await FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");
    }

    /// <summary>A whole BUNDLE deploy; returns the finalized deploy.</summary>
    public async Task<JsonElement> DeployBundleAsync(string mountPath, string text = "one")
    {
        var deploy = await CreateAsync(DeployKind.Bundle, mountPath);
        var version = await UploadAsync(deploy.Text("bundleUploadUrl"), ("dbt_project.yml", text));
        return await FinalizeAsync(deploy.Text("id"), $$"""{"bundleTarballVersion":"{{version}}"}""");
    }

    private async Task<DeployAgent> AgentAsync() => _agent ??= await DeployAgent.EnrollAsync(_server, _id);

    private static byte[] Tar((string Path, string Text)[] files)
    {
        using var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, TarEntryFormat.Pax))
        {
            foreach (var (path, text) in files)
            {
                using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path) { DataStream = content });
            }
        }
        return archive.ToArray();
    }
}

internal sealed record ApiResult(HttpStatusCode Status, JsonElement Body)
{
    /// <summary>Asserts the status 200; returns the body.</summary>
    public JsonElement Ok()
    {
        Assert.True(Status == HttpStatusCode.OK, $"{Status}: {Body}");
        return Body;
    }

    /// <summary>Asserts the status of an error; returns the message.</summary>
    public string Refusal(HttpStatusCode status = HttpStatusCode.BadRequest)
    {
        Assert.True(Status == status, $"{Status}: {Body}");
        return Body.Text("message");
    }
}

public enum DeployKind
{
    ImageAndDag,
    ImageOnly,
    DagOnly,
    Bundle,
}

internal static class DeployJsonReading
{
    public static string Name(this DeployKind kind) => kind switch
    {
        DeployKind.ImageAndDag => "IMAGE_AND_DAG",
        DeployKind.ImageOnly => "IMAGE_ONLY",
        DeployKind.DagOnly => "DAG_ONLY",
        _ => "BUNDLE",
    };

    public static string Text(this JsonElement json, string name) => json.GetProperty(name).GetString()!;

    /// <summary>Null if the field is absent.</summary>
    public static string? TextOrNull(this JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) ? value.GetString() : null;

    public static bool Has(this JsonElement json, string name) => json.TryGetProperty(name, out _);
}
