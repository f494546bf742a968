using System.Formats.Tar;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Updraft.Protocol;

namespace Updraft.Testing;

/// <summary>A Deployment with deploys for tests of the web UI, created over the API.</summary>
internal sealed class PageSite(UpdraftServer server, string id)
{
    public string Id => id;

    /// <summary>Path of its page in the web UI.</summary>
    public string Page => $"/deployments/{id}";

    private string Deploys => $"{server.OrganizationPath}/deployments/{id}/deploys";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<PageSite> CreateAsync(UpdraftServer server, string? name = null) =>
        new(server, await server.CreateDeploymentAsync(name ?? EntityId.New(TimeProvider.System)));

    /// <summary>Creates, uploads and finalizes a deploy of DAGs; returns its id and version.</summary>
    public async Task<(string Id, string Version)> DeployAsync(string description, JsonObject? git, params (string Path, string Text)[] files)
    {
        var deploy = await server.Client.PostOkAsync(Deploys,
            new JsonObject { ["type"] = "DAG_ONLY", ["description"] = description, ["git"] = git?.DeepClone() });
        using var request = new HttpRequestMessage(HttpMethod.Put, deploy.Text("dagsUploadUrl")) { Content = new ByteArrayContent(Tar(files)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        using var response = await server.Anonymous.SendAsync(request, Cancelled);
        Assert.True(response.StatusCode == HttpStatusCode.Created, await response.Content.ReadAsStringAsync(Cancelled));
        var version = Assert.Single(response.Headers.GetValues("x-ms-version-id"));
        await server.Client.PostOkAsync($"{Deploys}/{deploy.Text("id")}/finalize", new JsonObject { ["dagTarballVersion"] = version });
        return (deploy.Text("id"), version);
    }

    public Task<(string Id, string Version)> DeployAsync(string description, params (string Path, string Text)[] files) =>
        DeployAsync(description, null, files);

    /// <summary>The deploys, newest first.</summary>
    public async Task<JsonArray> HistoryAsync() => (await server.Client.GetOkAsync(Deploys))["deploys"]!.AsArray();

    private static byte[] Tar((string Path, string Text)[] files)
    {
        using var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, TarEntryFormat.Pax))
        {
            foreach (var (path, text) in files)
            {
                using var content = new MemoryStream(Encoding.Latin1.GetBytes(text));
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path) { DataStream = content });
            }
        }
        return archive.ToArray();
    }
}
