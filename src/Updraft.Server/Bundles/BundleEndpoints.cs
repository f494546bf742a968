using System.IO.Compression;
using Microsoft.Net.Http.Headers;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Security;
using Updraft.Server.Storage;

namespace Updraft.Server.Bundles;

/// <summary>The bundle slice: archives in, manifests and packs out.</summary>
internal static class BundleEndpoints
{
    private const int SmallestToCompress = 1024;

    public static void AddBundles(this IServiceCollection services)
    {
        services.AddOptions<ArchiveOptions>().BindConfiguration("Archives").ValidateDataAnnotations().ValidateOnStart();
        services.AddScoped<IngestBundle>();
        services.AddScoped<BundleFiles>();
        services.AddScoped<CompareManifests>();
    }

    public static void MapBundles(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(AgentRoutes.Manifests + "{manifest}", GetManifest).Requires(Permission.ActAsAgent);
        routes.MapGet(AgentRoutes.Packs + "{packId}", GetPack).Requires(Permission.ActAsAgent);
    }

    private static async Task GetManifest(string manifest, string? from, Subject subject, CompareManifests compare, HttpResponse response,
        CancellationToken cancellationToken)
    {
        if (!Digest.TryParse(manifest, out var to))
            throw ApiException.NotFound("manifest", manifest);
        Digest? start = null;
        if (!string.IsNullOrEmpty(from))
            start = Digest.TryParse(from, out var parsed)
                ? parsed
                : throw ApiException.BadRequest("'from' must be 64 lower-case hexadecimal digits.");
        var body = (await compare.RunAsync(DeploymentOf(subject), start, to, cancellationToken)).ToBytes();
        response.ContentType = "text/plain; charset=utf-8";
        response.Headers.Vary = HeaderNames.AcceptEncoding;
        if (body.Length > SmallestToCompress && TakesGzip(response.HttpContext.Request))
        {
            response.Headers.ContentEncoding = "gzip";
            body = Gzip(body);
        }
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, cancellationToken);
    }

    private static async Task<IResult> GetPack(string packId, Subject subject, IBlobStore store, CancellationToken cancellationToken)
    {
        if (!EntityId.IsValid(packId))
            throw ApiException.NotFound("pack", packId);
        try
        {
            var pack = await store.OpenAsync(BundleBlobs.Pack(DeploymentOf(subject), packId), cancellationToken);
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

    private static byte[] Gzip(byte[] body)
    {
        using var packed = new MemoryStream(body.Length / 2);
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(body);
        return packed.ToArray();
    }
}
