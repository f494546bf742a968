using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Security;
using Updraft.Server.Storage;

namespace Updraft.Server.Tests.Bundles;

/// <summary>The routes of agents over HTTP, called by an agent of the fixture's Deployment or of another one.</summary>
public sealed class BundleEndpointsTests : IAsyncLifetime
{
    private BundleFixture _bundles = null!;
    private WebApplication _server = null!;
    private HttpClient _agent = null!;
    private DeploymentId _caller;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task First_manifest_is_the_difference_to_an_empty_tree()
    {
        var version = await _bundles.IngestAsync(new TarBuilder().File("dags/a.py", "abc").ToArray());
        using var response = await _agent.GetAsync($"/agent/v1/manifests/{version.ManifestDigest}", Cancelled);
        var diff = ManifestDiff.Parse(await response.Content.ReadAsByteArrayAsync(Cancelled));

        Assert.Equal("text/plain; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.Null(diff.From);
        Assert.Equal(version.ManifestDigest, diff.ApplyTo(null).Digest);
    }

    [Fact]
    public async Task Agent_can_fetch_every_content_that_a_difference_adds()
    {
        var version = await _bundles.IngestAsync(new TarBuilder().File("a", "first").File("b", "second").ToArray());
        var diff = await DiffAsync(version.ManifestDigest.ToString());

        foreach (var entry in diff.Added)
        {
            var place = diff.Locations[entry.Content];
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/agent/v1/packs/{place.PackId}");
            request.Headers.Range = new RangeHeaderValue(place.Offset, place.Offset + place.Length - 1);
            using var response = await _agent.SendAsync(request, Cancelled);
            using var content = new MemoryStream();
            PackReader.CopyVerified(await response.Content.ReadAsStreamAsync(Cancelled), entry.Size, entry.Content, content);

            Assert.Equal(HttpStatusCode.PartialContent, response.StatusCode);
            Assert.Equal(place.Offset, response.Content.Headers.ContentRange?.From);
            Assert.Equal(entry.Size, content.Length);
        }
    }

    [Fact]
    public async Task Difference_contains_only_changed_files()
    {
        var first = await _bundles.IngestAsync(new TarBuilder().File("a", "1").File("b", "2").File("c", "3").ToArray());
        var second = await _bundles.IngestAsync(new TarBuilder().File("a", "1").File("b", "changed").File("d", "3").ToArray());
        var diff = await DiffAsync($"{second.ManifestDigest}?from={first.ManifestDigest}");

        Assert.Equal("c", Assert.Single(diff.Removed));
        Assert.Equal("b d", string.Join(' ', diff.Added.Select(entry => entry.Path)));
        Assert.Equal(second.PackId, diff.Locations[Digest.Of("changed"u8)].PackId);
        Assert.Equal(first.PackId, diff.Locations[Digest.Of("3"u8)].PackId);
        Assert.Equal(second.ManifestDigest, diff.ApplyTo(await _bundles.ReadManifestAsync(first)).Digest);
    }

    [Fact]
    public async Task Difference_from_an_unknown_manifest_starts_at_an_empty_tree()
    {
        var version = await _bundles.IngestAsync(new TarBuilder().File("a").ToArray());

        Assert.Null((await DiffAsync($"{version.ManifestDigest}?from={Digest.Of("never"u8)}")).From);
    }

    [Fact]
    public async Task Difference_from_a_damaged_manifest_starts_at_an_empty_tree()
    {
        var first = await _bundles.IngestAsync(new TarBuilder().File("a").ToArray());
        var second = await _bundles.IngestAsync(new TarBuilder().File("b").ToArray());
        var blob = Path.Join(_bundles.Data, "blobs", "manifests", _bundles.Deployment.Value, first.ManifestDigest.ToString());
        await File.WriteAllTextAsync(blob, "rubbish", Cancelled);

        Assert.Null((await DiffAsync($"{second.ManifestDigest}?from={first.ManifestDigest}")).From);
    }

    [Fact]
    public async Task Damaged_manifest_is_rejected_with_500()
    {
        var version = await _bundles.IngestAsync(new TarBuilder().File("a").ToArray());
        var blob = Path.Join(_bundles.Data, "blobs", "manifests", _bundles.Deployment.Value, version.ManifestDigest.ToString());
        await File.WriteAllBytesAsync(blob, Manifest.Create([]).ToBytes(), Cancelled);

        Assert.Equal(HttpStatusCode.InternalServerError, await StatusAsync($"/agent/v1/manifests/{version.ManifestDigest}"));
    }

    [Fact]
    public async Task Large_difference_is_compressed_if_the_agent_accepts_gzip()
    {
        var tar = new TarBuilder();
        for (var i = 0; i < 1000; i++)
            tar.File($"dags/file{i}", $"{i}");
        var version = await _bundles.IngestAsync(tar.ToArray());
        var url = $"/agent/v1/manifests/{version.ManifestDigest}";
        var plain = await _agent.GetByteArrayAsync(url, Cancelled);
        using var packed = await GetAsync(url, "gzip");
        using var refused = await GetAsync(url, "gzip;q=0, br");
        await using var unpacked = new GZipStream(await packed.Content.ReadAsStreamAsync(Cancelled), CompressionMode.Decompress);
        using var content = new MemoryStream();
        await unpacked.CopyToAsync(content, Cancelled);

        Assert.Equal("gzip", Assert.Single(packed.Content.Headers.ContentEncoding));
        Assert.Equal(plain, content.ToArray());
        Assert.Empty(refused.Content.Headers.ContentEncoding);
        Assert.True(packed.Content.Headers.ContentLength < plain.Length);
        Assert.Equal(1000, ManifestDiff.Parse(plain).ApplyTo(null).FileCount);
    }

    [Fact]
    public async Task Manifest_or_pack_of_another_Deployment_is_rejected_with_404()
    {
        var version = await _bundles.IngestAsync(new TarBuilder().File("a", "secret").ToArray());
        _caller = new DeploymentId(EntityId.New(TimeProvider.System));
        await _bundles.AddDeploymentAsync(_caller);
        await _bundles.IngestAsync(new MemoryStream(new TarBuilder().File("b", "other").ToArray()), deployment: _caller);

        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync($"/agent/v1/manifests/{version.ManifestDigest}"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync($"/agent/v1/packs/{version.PackId}"));
    }

    [Theory]
    [InlineData("/agent/v1/manifests/0000000000000000000000000000000000000000000000000000000000000000", HttpStatusCode.NotFound)]
    [InlineData("/agent/v1/manifests/abc", HttpStatusCode.NotFound)]
    [InlineData("/agent/v1/manifests/..%2F..%2Fkeys", HttpStatusCode.NotFound)]
    [InlineData("/agent/v1/packs/c000000000000000000000000", HttpStatusCode.NotFound)]
    [InlineData("/agent/v1/packs/..", HttpStatusCode.NotFound)]
    [InlineData("/agent/v1/packs/..%2F..%2F..%2Fkeys%2Fsigning.pem", HttpStatusCode.NotFound)]
    [InlineData("/agent/v1/packs/C000000000000000000000000", HttpStatusCode.NotFound)]
    public async Task Unknown_manifest_or_pack_is_rejected_with_404(string url, HttpStatusCode status) =>
        Assert.Equal(status, await StatusAsync(url));

    [Fact]
    public async Task Malformed_start_digest_is_rejected_with_400()
    {
        var version = await _bundles.IngestAsync(new TarBuilder().File("a").ToArray());

        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync($"/agent/v1/manifests/{version.ManifestDigest}?from=abc"));
    }

    [Fact]
    public async Task Whole_pack_equals_the_stored_blob()
    {
        var version = await _bundles.IngestAsync(new TarBuilder().File("a", "abc").ToArray());
        using var response = await _agent.GetAsync($"/agent/v1/packs/{version.PackId}", Cancelled);
        var blob = Path.Join(_bundles.Data, "blobs", "packs", _bundles.Deployment.Value, version.PackId);
        var stored = await File.ReadAllBytesAsync(blob, Cancelled);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/octet-stream", response.Content.Headers.ContentType?.ToString());
        Assert.Equal(stored, await response.Content.ReadAsByteArrayAsync(Cancelled));
    }

    [Fact]
    public async Task Range_behind_the_end_of_a_pack_is_rejected_with_416()
    {
        var version = await _bundles.IngestAsync(new TarBuilder().File("a", "abc").ToArray());
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/agent/v1/packs/{version.PackId}");
        request.Headers.Range = new RangeHeaderValue(1_000_000, null);
        using var response = await _agent.SendAsync(request, Cancelled);

        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, response.StatusCode);
        Assert.Equal(await _bundles.PackLengthAsync(version), response.Content.Headers.ContentRange?.Length);
    }

    [Fact]
    public void Both_routes_require_the_permission_of_agents()
    {
        var routes = ((IEndpointRouteBuilder)_server).DataSources.SelectMany(source => source.Endpoints).ToArray();

        Assert.Equal(2, routes.Length);
        Assert.All(routes, route =>
            Assert.Equal(Permission.ActAsAgent, route.Metadata.GetRequiredMetadata<RequiredPermission>().Permission));
    }

    public async ValueTask InitializeAsync()
    {
        _bundles = await BundleFixture.CreateAsync();
        _caller = _bundles.Deployment;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.Configure<ServerOptions>(options => options.Data = _bundles.Data);
        builder.Services.AddSingleton(TimeProvider.System);
        Microsoft.Extensions.Configuration.ChainedBuilderExtensions.AddConfiguration(builder.Configuration, _bundles.Configuration);
        builder.AddUpdraftDatabase();
        builder.AddStorage();
        builder.AddBundles();
        _server = builder.Build();
        _server.Use(ActAsAgentAsync);
        _server.MapBundles();
        await _server.StartAsync(Cancelled);
        _agent = new HttpClient { BaseAddress = new Uri(_server.Urls.First()) };
    }

    public async ValueTask DisposeAsync()
    {
        _agent.Dispose();
        await _server.DisposeAsync();
        await _bundles.DisposeAsync();
    }

    /// <summary>Replaces the authentication and the error middleware, which belong to other slices.</summary>
    private async Task ActAsAgentAsync(HttpContext context, RequestDelegate next)
    {
        context.Features.Set(new Subject(
            SubjectKind.Agent, "agent", "agent", new OrganizationId("o"),
            [Grant.For(Role.Agent, new OrganizationId("o"), new WorkspaceId("w"), _caller)]));
        try
        {
            await next(context);
        }
        catch (ApiException rejection)
        {
            context.Response.StatusCode = rejection.StatusCode;
        }
    }

    private async Task<ManifestDiff> DiffAsync(string manifest) =>
        ManifestDiff.Parse(await _agent.GetByteArrayAsync($"/agent/v1/manifests/{manifest}", Cancelled));

    private async Task<HttpStatusCode> StatusAsync(string url)
    {
        using var response = await _agent.GetAsync(url, Cancelled);
        return response.StatusCode;
    }

    private async Task<HttpResponseMessage> GetAsync(string url, string acceptEncoding)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.TryAddWithoutValidation("Accept-Encoding", acceptEncoding);
        return await _agent.SendAsync(request, Cancelled);
    }
}
