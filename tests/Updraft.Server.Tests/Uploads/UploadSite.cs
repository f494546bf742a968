using System.Formats.Tar;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.Bundles;
using Updraft.Server.Database;

namespace Updraft.Server.Tests.Uploads;

/// <summary>A new deploy in a Deployment of its own, and its upload URL.</summary>
internal sealed class UploadSite
{
    private readonly UpdraftServer _server;

    private UploadSite(UpdraftServer server, string deploymentId, JsonObject deploy)
    {
        (_server, DeploymentId, DeployId, Url) = (server, deploymentId, deploy.Text("id"), deploy.Text("dagsUploadUrl"));
    }

    public string DeploymentId { get; }

    public string DeployId { get; }

    /// <summary>The signed upload URL.</summary>
    public string Url { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<UploadSite> CreateAsync(UpdraftServer server, string? deploymentId = null)
    {
        var deployment = deploymentId ?? await server.CreateDeploymentAsync(EntityId.New(TimeProvider.System));
        return new(server, deployment, await server.Client.PostOkAsync(
            $"{server.OrganizationPath}/deployments/{deployment}/deploys", new JsonObject { ["type"] = "DAG_ONLY" }));
    }

    /// <summary>An uncompressed archive with one DAG file.</summary>
    public static byte[] Tar(string content, string path = "dags/shop.py")
    {
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, TarEntryFormat.Ustar))
        {
            writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, path)
            {
                DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)),
            });
        }
        return archive.ToArray();
    }

    /// <summary>An archive with a file that does not compress.</summary>
    public static byte[] LargeTar(int bytes) => Tar(Convert.ToHexString(RandomNumberGenerator.GetBytes(bytes / 2)));

    public static byte[] Md5(byte[] content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        hash.AppendData(content);
        return hash.GetHashAndReset();
    }

    /// <summary>PUTs a body.</summary>
    /// <param name="content">The body.</param>
    /// <param name="query">Text to append to the URL, e.g. <c>&amp;comp=block</c>.</param>
    /// <param name="adjust">Changes the request, which already has <c>x-ms-blob-type</c>.</param>
    public async Task<HttpResponseMessage> PutAsync(byte[] content, string query = "", Action<HttpRequestMessage>? adjust = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, Url + query) { Content = new ByteArrayContent(content) };
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        adjust?.Invoke(request);
        return await _server.Anonymous.SendAsync(request, Cancellation);
    }

    /// <summary>Sends Put Blob. Returns the version.</summary>
    public async Task<string> UploadAsync(byte[] archive)
    {
        using var response = await PutAsync(archive);
        return await VersionOfAsync(response);
    }

    /// <summary>Sends Put Block.</summary>
    public Task<HttpResponseMessage> StageAsync(string id, byte[] block) =>
        PutAsync(block, $"&comp=block&blockid={Uri.EscapeDataString(id)}");

    /// <summary>Sends Put Block List with <c>Latest</c> entries.</summary>
    public Task<HttpResponseMessage> CommitAsync(params string[] ids) =>
        CommitXmlAsync($"<BlockList>{string.Concat(ids.Select(id => $"<Latest>{id}</Latest>"))}</BlockList>");

    public Task<HttpResponseMessage> CommitXmlAsync(string xml) => PutAsync(Encoding.UTF8.GetBytes(xml), "&comp=blocklist");

    public Task<JsonObject> FinalizeAsync(string version) => _server.Client.PostOkAsync(
        $"{_server.OrganizationPath}/deployments/{DeploymentId}/deploys/{DeployId}/finalize",
        new JsonObject { ["dagTarballVersion"] = version });

    /// <summary>The versions that the server has recorded for the Deployment.</summary>
    public async Task<IReadOnlyList<string>> RecordedAsync()
    {
        await using var scope = _server.Services.CreateAsyncScope();
        var deployment = new DeploymentId(DeploymentId);
        return await scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().BundleVersions
            .Where(row => row.DeploymentId == deployment).Select(row => row.Version).ToListAsync(Cancellation);
    }

    /// <summary>The keys of all blobs that contain a text.</summary>
    public static async Task<IReadOnlyList<string>> BlobsAsync(UpdraftServer server, string part) =>
        [.. (await TestStorage.BlobsAsync(server)).Where(path => path.Contains(part, StringComparison.Ordinal))];

    public static async Task<string> VersionOfAsync(HttpResponseMessage response)
    {
        Assert.True(response.StatusCode == HttpStatusCode.Created,
            $"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(Cancellation)}");
        return Assert.Single(response.Headers.GetValues("x-ms-version-id"));
    }

    /// <summary>Asserts the status and the blob error code of a rejected upload. Returns the message.</summary>
    public static async Task<string> RefusalAsync(HttpResponseMessage response, HttpStatusCode status, string code)
    {
        var body = await response.ReadAsync(status);
        Assert.Equal(code, Assert.Single(response.Headers.GetValues("x-ms-error-code")));
        Assert.Equal(["message", "requestId", "statusCode"], body.Select(field => field.Key).Order(StringComparer.Ordinal));
        return body.Text("message");
    }
}
