using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Archives;
using Updraft.Server.Security;
using Updraft.Server.Storage;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Bundles;

/// <summary>Registers the bundle slice, and maps the routes from which agents fetch manifests and packs.</summary>
internal static class BundleEndpoints
{
    private static readonly TimeSpan RedirectLifetime = TimeSpan.FromMinutes(5);

    public static void AddBundles(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<ArchiveOptions>().BindConfiguration("Archives").ValidateDataAnnotations().ValidateOnStart();
        services.AddMetricsOf(BundleMetrics.Begin);
        services.AddLimits(ArchiveLimits.All);
        services.AddScoped<IngestBundle>();
        services.AddScoped<BundleFiles>();
        services.AddScoped<CompareManifests>();
        services.AddSingleton<SharedDifferences>();
        services.AddOptions<ReadOptions>().BindConfiguration(ReadOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ContentReads>();
    }

    public static void MapBundles(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(AgentRoutes.Manifests + "{manifest}", GetManifest).Requires(Permission.ActAsAgent);
        routes.MapGet(AgentRoutes.Packs + "{packId}", GetPack).Requires(Permission.ActAsAgent);
    }

    /// <param name="manifest">Digest of the manifest that the agent needs.</param>
    /// <param name="from">Digest of the manifest that the agent has; the response is then the difference.</param>
    private static async Task GetManifest(string manifest, string? from, Subject subject, SharedDifferences differences,
        HttpResponse response, CancellationToken cancellationToken)
    {
        if (!Digest.TryParse(manifest, out var to))
            throw ApiException.NotFound("manifest", manifest);
        Digest? start = null;
        if (!string.IsNullOrEmpty(from))
            start = Digest.TryParse(from, out var parsed)
                ? parsed
                : throw ApiException.BadRequest($"'from' is '{ApiException.Shorten(from)}', but must be 64 lower-case hexadecimal digits.");
        var difference = await differences.ReadAsync(DeploymentOf(subject), start, to, cancellationToken);
        var body = difference.Plain;
        response.ContentType = "text/plain; charset=utf-8";
        response.Headers.Vary = HeaderNames.AcceptEncoding;
        if (difference.Gzip is { } packed && AcceptsGzip(response.HttpContext.Request))
        {
            response.Headers.ContentEncoding = "gzip";
            body = packed;
        }
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, cancellationToken);
    }

    /// <param name="packId">Id of the pack.</param>
    /// <param name="direct">True if the agent cannot reach the object store. Then the server sends the bytes instead of a redirect.</param>
    private static async Task<IResult> GetPack(string packId, bool? direct, Subject subject, IBlobStore store,
        IOptions<StorageOptions> storage, HttpResponse response, CancellationToken cancellationToken)
    {
        if (!EntityId.IsValid(packId))
            throw ApiException.NotFound("pack", packId);
        var key = BundleBlobs.Pack(DeploymentOf(subject), packId);
        if (storage.Value.Redirect && direct is not true && await store.ShareAsync(key, RedirectLifetime, cancellationToken) is { } url)
        {
            // Not the redirect of the framework: it logs the URL, which is a credential.
            response.Headers.Location = url.AbsoluteUri;
            response.Headers.CacheControl = "no-store";
            BundleMetrics.CountRedirect();
            return TypedResults.StatusCode(StatusCodes.Status307TemporaryRedirect);
        }
        try
        {
            var pack = await store.OpenAsync(key, cancellationToken);
            response.OnCompleted(() =>
            {
                BundleMetrics.CountServed(response.ContentLength ?? 0);
                return Task.CompletedTask;
            });
            return Results.Stream(pack, "application/octet-stream", enableRangeProcessing: true);
        }
        catch (FileNotFoundException)
        {
            throw ApiException.NotFound("pack", packId);
        }
    }

    private static DeploymentId DeploymentOf(Subject subject) => subject.Deployment
        ?? throw new ApiException(RequestErrors.AgentTokenRequired,
            "Only agents can fetch manifests and packs. Send an agent token of the Deployment.");

    private static bool AcceptsGzip(HttpRequest request)
    {
        var accepted = request.GetTypedHeaders().AcceptEncoding;
        var gzip = accepted.FirstOrDefault(encoding => encoding.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase))
            ?? accepted.FirstOrDefault(encoding => encoding.Value == "*");
        return gzip is not null && gzip.Quality != 0;
    }
}
