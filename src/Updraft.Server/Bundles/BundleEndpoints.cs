using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Archives;
using Updraft.Server.Security;
using Updraft.Server.Storage;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Bundles;

/// <summary>The bundle slice: archives in, manifests and packs out.</summary>
internal static class BundleEndpoints
{
    private static readonly TimeSpan SharedFor = TimeSpan.FromMinutes(5);

    public static void AddBundles(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<ArchiveOptions>().BindConfiguration("Archives").ValidateDataAnnotations().ValidateOnStart();
        services.AddMetricsOf(BundleMetrics.Begin);
        services.AddScoped<IngestBundle>();
        services.AddScoped<BundleFiles>();
        services.AddScoped<CompareManifests>();
        services.AddSingleton<SharedDifferences>();
    }

    public static void MapBundles(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(AgentRoutes.Manifests + "{manifest}", GetManifest).Requires(Permission.ActAsAgent);
        routes.MapGet(AgentRoutes.Packs + "{packId}", GetPack).Requires(Permission.ActAsAgent);
    }

    private static async Task GetManifest(string manifest, string? from, Subject subject, SharedDifferences differences, HttpResponse response,
        CancellationToken cancellationToken)
    {
        if (!Digest.TryParse(manifest, out var to))
            throw ApiException.NotFound("manifest", manifest);
        Digest? start = null;
        if (!string.IsNullOrEmpty(from))
            start = Digest.TryParse(from, out var parsed)
                ? parsed
                : throw ApiException.BadRequest("'from' must be 64 lower-case hexadecimal digits.");
        var difference = await differences.ReadAsync(DeploymentOf(subject), start, to, cancellationToken);
        var body = difference.Plain;
        response.ContentType = "text/plain; charset=utf-8";
        response.Headers.Vary = HeaderNames.AcceptEncoding;
        if (difference.Gzip is { } packed && TakesGzip(response.HttpContext.Request))
        {
            response.Headers.ContentEncoding = "gzip";
            body = packed;
        }
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, cancellationToken);
    }

    /// <param name="packId">The pack.</param>
    /// <param name="direct">Whether the agent cannot reach the object store and wants the bytes from here.</param>
    private static async Task<IResult> GetPack(string packId, bool? direct, Subject subject, IBlobStore store, IOptions<StorageOptions> storage,
        HttpResponse response, CancellationToken cancellationToken)
    {
        if (!EntityId.IsValid(packId))
            throw ApiException.NotFound("pack", packId);
        var key = BundleBlobs.Pack(DeploymentOf(subject), packId);
        if (storage.Value.Redirect && direct is not true && await store.ShareAsync(key, SharedFor, cancellationToken) is { } address)
        {
            // By hand: the framework's own redirect writes the address, which lets its reader in, into the log.
            response.Headers.Location = address.AbsoluteUri;
            response.Headers.CacheControl = "no-store";
            BundleMetrics.Redirect();
            return TypedResults.StatusCode(StatusCodes.Status307TemporaryRedirect);
        }
        try
        {
            var pack = await store.OpenAsync(key, cancellationToken);
            response.OnCompleted(() =>
            {
                BundleMetrics.Serve(response.ContentLength ?? 0);
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
        ?? throw new ApiException(StatusCodes.Status403Forbidden, "Bundles are given to agents only: use the token of an agent.");

    private static bool TakesGzip(HttpRequest request)
    {
        var accepted = request.GetTypedHeaders().AcceptEncoding;
        var gzip = accepted.FirstOrDefault(encoding => encoding.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase))
            ?? accepted.FirstOrDefault(encoding => encoding.Value == "*");
        return gzip is not null && gzip.Quality != 0;
    }
}
