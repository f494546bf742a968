using System.Net;
using System.Net.Http.Headers;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Storage;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Storage;

/// <summary>A bundle in a Deployment of its own, its files in the store, and an agent that fetches it.</summary>
internal sealed class StoredBundle
{
    public const int Files = 20;

    private readonly UpdraftServer _server;
    private readonly HttpClient _agent;
    private readonly BundleVersion _row;
    private readonly Manifest _parsed;

    private StoredBundle(UpdraftServer server, HttpClient agent, BundleVersion row, byte[] manifest)
    {
        (_server, _agent, _row) = (server, agent, row);
        _parsed = Updraft.Protocol.Manifest.Parse(manifest);
    }

    public string DeploymentId => _row.DeploymentId.Value;

    public string Version => _row.Version;

    public string Pack => Path.Join(_server.DataDirectory, "blobs", BundleBlobs.Pack(_row.DeploymentId, _row.PackId!));

    public string Manifest => ManifestPath(_server, _row);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<StoredBundle> CreateAsync(UpdraftServer server)
    {
        var site = await UploadSite.CreateAsync(server);
        var archive = new TarBuilder();
        for (var i = 0; i < Files; i++)
            archive.File($"dags/{i}.py",
                $"# {site.DeployId} {i} {string.Concat(Enumerable.Range(0, 60).Select(n => $"{n * 7919 * (i + 1):x}"))}");
        var version = await site.UploadAsync(archive.ToArray());
        await using var scope = server.Services.CreateAsyncScope();
        var row = await scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().BundleVersions.AsNoTracking()
            .SingleAsync(candidate => candidate.Version == version && candidate.DeployId == new DeployId(site.DeployId), Cancelled);
        var agent = server.ClientWith(await server.CreateAgentTokenAsync(site.DeploymentId));
        return new StoredBundle(server, agent, row, await File.ReadAllBytesAsync(ManifestPath(server, row), Cancelled));
    }

    /// <summary>
    /// Whether an agent can fetch and verify every content. Asserts that a failure is a proper error or detected by the agent.
    /// </summary>
    public async Task<bool> CanBeFetchedAsync()
    {
        using var response = await _agent.GetAsync($"/agent/v1/manifests/{_row.ManifestDigest}", Cancelled);
        if (!await IsUsableAsync(response))
            return false;
        try
        {
            var difference = ManifestDiff.Parse(await response.Content.ReadAsByteArrayAsync(Cancelled));
            Assert.Equal(_row.ManifestDigest, difference.ApplyTo(null).Digest);
            foreach (var entry in difference.Added.Where(entry => !entry.IsDirectory))
            {
                var place = difference.Locations[entry.Content];
                using var request = new HttpRequestMessage(HttpMethod.Get, $"/agent/v1/packs/{place.PackId}");
                request.Headers.Range = new RangeHeaderValue(place.Offset, place.Offset + place.Length - 1);
                using var frame = await _agent.SendAsync(request, Cancelled);
                if (!await IsUsableAsync(frame))
                    return false;
                var bytes = await frame.Content.ReadAsByteArrayAsync(Cancelled);
                PackReader.CopyVerified(new MemoryStream(bytes), entry.Size, entry.Content, Stream.Null);
            }
            // Agents that need most of a pack fetch the whole pack.
            using var whole = await _agent.GetAsync($"/agent/v1/packs/{_row.PackId}", Cancelled);
            return await IsUsableAsync(whole)
                && PackReader.ReadIndex(new MemoryStream(await whole.Content.ReadAsByteArrayAsync(Cancelled))).Count == Files;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>Runs a statement on the row of the content of a file.</summary>
    public async Task SqlAsync(string statement, string path)
    {
        var content = _parsed.Entries.Single(entry => entry.Path == path).Content;
        await using var scope = _server.Services.CreateAsyncScope();
        var changed = await scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().Database.ExecuteSqlRawAsync(statement,
            [content.ToArray()], Cancelled);
        Assert.Equal(1, changed);
    }

    private static string ManifestPath(UpdraftServer server, BundleVersion row) =>
        Path.Join(server.DataDirectory, "blobs", BundleBlobs.Manifest(row.DeploymentId, row.ManifestDigest));

    private static async Task<bool> IsUsableAsync(HttpResponseMessage response)
    {
        if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.PartialContent)
            return true;
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            return false;
        var error = await response.ReadAsync(response.StatusCode);
        Assert.True((int)response.StatusCode is 404 or 500 or 503, error.ToJsonString());
        Assert.Equal(["message", "requestId", "statusCode"], error.Select(field => field.Key).Order(StringComparer.Ordinal));
        return false;
    }
}

/// <summary>Runs a scrub in this process, for tests with many scrubs.</summary>
internal static class ScrubInProcess
{
    public static async Task<List<ScrubDamage>> RunAsync(UpdraftServer server)
    {
        await using var scope = server.Services.CreateAsyncScope();
        var damage = new List<ScrubDamage>();
        var store = FileSystemBlobStore.ForReading(server.Services.GetRequiredService<IOptions<ServerOptions>>().Value);
        await new ScrubBundles(scope.ServiceProvider.GetRequiredService<UpdraftDbContext>(), store, damage.Add, _ => { })
            .RunAsync(TestContext.Current.CancellationToken);
        return damage;
    }
}
