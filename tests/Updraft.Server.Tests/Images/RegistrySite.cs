using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Deploys;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;
using Updraft.Server.Tests.Deploys;

namespace Updraft.Server.Tests.Images;

/// <summary>A server and a real registry. Tests push images with tokens that the server issues.</summary>
internal sealed class RegistrySite : IAsyncDisposable
{
    private readonly HttpClient _http = new();

    private RegistrySite(UpdraftServer server, RealRegistry registry) => (Server, Registry) = (server, registry);

    public UpdraftServer Server { get; }

    public RealRegistry Registry { get; }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<RegistrySite> StartAsync(bool deletes = true, params (string Name, string Value)[] settings)
    {
        var registry = new RealRegistry();
        var server = await UpdraftServer.StartAsync(settings: registry.Settings(settings));
        await registry.StartAsync(server, deletes);
        return new(server, registry);
    }

    public Task<DeploysApi> NewDeploymentAsync(bool dagDeploys = true) => DeploysApi.NewDeploymentAsync(Server, dagDeploys);

    /// <summary>Pushes an image with the tag of a deploy, and returns its digest.</summary>
    public Task<string> PushAsync(JsonElement deploy, TestImage image) => PushAsync(Place(deploy), deploy.Text("imageTag"), image);

    public async Task<string> PushAsync(string place, string reference, TestImage image)
    {
        using var client = await ClientAsync(place);
        await PutBlobAsync(client, place, image.Config);
        await PutBlobAsync(client, place, image.Layer);
        await PutManifestAsync(client, place, reference, image.MediaType, image.Manifest);
        return image.Digest;
    }

    /// <summary>Pushes an index of several images, and returns its digest.</summary>
    public async Task<string> PushIndexAsync(JsonElement deploy, params TestImage[] images)
    {
        var place = Place(deploy);
        foreach (var image in images)
            await PushAsync(place, image.Digest, image);
        var index = TestImage.Index(images);
        using var client = await ClientAsync(place);
        await PutManifestAsync(client, place, deploy.Text("imageTag"), TestImage.IndexType, index);
        return TestImage.DigestOf(index);
    }

    /// <summary>A complete deploy with DAGs and an image that has the versions in its labels.</summary>
    public async Task<(JsonElement Deploy, string Digest)> DeployAsync(DeploysApi deploys, string? runtime = null, string? airflow = null)
    {
        var deploy = await deploys.CreateAsync(DeployKind.ImageAndDag);
        var digest = await PushAsync(deploy, new TestImage(runtime, airflow));
        var version = deploy.TextOrNull("dagsUploadUrl") is { } url ? await deploys.UploadAsync(url, ("dags/shop.py", digest)) : "";
        return (await deploys.FinalizeAsync(deploy.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}"""), digest);
    }

    /// <summary>Whether the registry has a manifest.</summary>
    public async Task<bool> HasAsync(JsonElement deploy, string reference)
    {
        using var client = await ClientAsync(Place(deploy));
        client.DefaultRequestHeaders.Accept.ParseAdd(TestImage.ManifestType);
        client.DefaultRequestHeaders.Accept.ParseAdd(TestImage.IndexType);
        using var response = await client.GetAsync(new Uri($"http://{Registry.Host}/v2/{Place(deploy)}/manifests/{reference}"), Cancelled);
        Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound, $"{response.StatusCode}");
        return response.StatusCode == HttpStatusCode.OK;
    }

    /// <summary>Moves the history of a Deployment into the past, which no request can do.</summary>
    public async Task AgeAsync(DeploysApi deploys, TimeSpan by)
    {
        await using var scope = Server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var id = new Protocol.DeploymentId(deploys.DeploymentId);
        foreach (var image in await db.Images.Where(row => row.DeploymentId == id).ToListAsync(Cancelled))
            image.PinnedAt -= by;
        foreach (var revision in await db.Revisions.Where(row => row.DeploymentId == id).ToListAsync(Cancelled))
            db.Entry(revision).Property(row => row.CreatedAt).CurrentValue -= by;
        foreach (var deploy in await db.Deploys.Where(row => row.DeploymentId == id).ToListAsync(Cancelled))
            db.Entry(deploy).Property(row => row.CreatedAt).CurrentValue -= by;
        var deployment = await db.Deployments.SingleAsync(row => row.Id == id, Cancelled);
        deployment.DeletedAt -= by;
        await db.SaveChangesAsync(Cancelled);
    }

    /// <summary>Moves the start of an image's deletion into the past.</summary>
    public async Task AgeDeletionAsync(string digest, TimeSpan by)
    {
        await using var scope = Server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var image = await db.Images.SingleAsync(row => row.Digest == digest, Cancelled);
        image.Delete(image.DeletedAt!.Value - by);
        await db.SaveChangesAsync(Cancelled);
    }

    /// <summary>Restarts the server, which deletes old images at its start, and waits for the end of the deletion.</summary>
    public async Task DeleteOldImagesAsync()
    {
        // The server handles Deployments in the order of their creation, so the newest one is handled last.
        var last = await NewDeploymentAsync();
        var (_, digest) = await DeployAsync(last);
        await DeployAsync(last);
        await AgeAsync(last, TimeSpan.FromDays(1000));
        await Server.RestartAsync();
        await Poll.UntilAsync(async () => (await ImageAsync(digest)).GoneAt is not null);
    }

    /// <summary>The row of an image.</summary>
    public async Task<Image> ImageAsync(string digest)
    {
        await using var scope = Server.Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().Images.AsNoTracking()
            .SingleAsync(row => row.Digest == digest, Cancelled);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Server.DisposeAsync();
        await Registry.DisposeAsync();
    }

    /// <summary>Name of a deploy's repository within the registry.</summary>
    private string Place(JsonElement deploy)
    {
        var repository = deploy.Text("imageRepository");
        Assert.StartsWith(Registry.Host + "/", repository, StringComparison.Ordinal);
        return repository[(Registry.Host.Length + 1)..];
    }

    private async Task<HttpClient> ClientAsync(string place)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get,
            new Uri(Server.BaseAddress, $"/registry/token?service=updraft-registry&scope=repository:{place}:pull,push"));
        request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("cli:" + Server.OwnerToken)));
        using var response = await _http.SendAsync(request, Cancelled);
        var token = JsonNode.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancelled))!["token"]!.GetValue<string>();
        var client = new HttpClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    private async Task PutBlobAsync(HttpClient client, string place, byte[] content)
    {
        using var begun = await client.PostAsync(new Uri($"http://{Registry.Host}/v2/{place}/blobs/uploads/"), null, Cancelled);
        Assert.Equal(HttpStatusCode.Accepted, begun.StatusCode);
        var target = begun.Headers.Location!.ToString();
        using var response = await client.PutAsync(
            new Uri($"{target}{(target.Contains('?', StringComparison.Ordinal) ? '&' : '?')}digest={TestImage.DigestOf(content)}"),
            new ByteArrayContent(content), Cancelled);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    private async Task PutManifestAsync(HttpClient client, string place, string reference, string type, byte[] manifest)
    {
        using var content = new ByteArrayContent(manifest);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        using var response = await client.PutAsync(new Uri($"http://{Registry.Host}/v2/{place}/manifests/{reference}"), content, Cancelled);
        Assert.True(response.StatusCode == HttpStatusCode.Created, await response.Content.ReadAsStringAsync(Cancelled));
    }
}

/// <summary>One server and registry for all tests of a class.</summary>
public sealed class SharedRegistrySite : IAsyncLifetime
{
    private RegistrySite? _site;

    internal RegistrySite Site => _site ?? throw new InvalidOperationException("The site has not started.");

    public async ValueTask InitializeAsync() => _site = await RegistrySite.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (_site is not null)
            await _site.DisposeAsync();
    }
}
