using System.Globalization;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Storage;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Uploads;

/// <summary>
/// Takes archives as Azure Blob Storage does, as far as its clients need: Put Blob, Put Block, Put Block List. The
/// signature in the address is the only credential.
/// </summary>
internal static class UploadEndpoints
{
    private const string Address = "/uploads/{deploymentId}/{deployId}/{purpose}", BlobVersion = "2024-11-04";

    public static void AddUploads(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<UploadOptions>().BindConfiguration("Uploads").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<SignedUploadUrl>();
        builder.Services.AddMetricsOf(UploadMetrics.Begin);
        builder.Services.AddSingleton<UploadGate>();
        builder.Services.AddSingleton<StagingBudget>();
        builder.Services.AddScoped<AdmitUpload>();
        builder.Services.AddScoped<IngestUpload>();
        builder.Services.AddScoped<PutBlob>();
        builder.Services.AddScoped<PutBlock>();
        builder.Services.AddScoped<PutBlockList>();
        builder.Services.AddHostedService<ExpireUploads>();
        // This log writes whole addresses, and an upload's address is a credential. Its scope names every request a second time, by an id that
        // no caller has seen.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
    }

    public static void MapUploads(this IEndpointRouteBuilder routes)
    {
        routes.MapPut(Address, PutAsync).AllowAnonymous();
        routes.Map(Address, RejectMethod).AllowAnonymous();
    }

    private static async Task PutAsync(HttpContext context, DeploymentId deploymentId, DeployId deployId, string purpose,
        SignedUploadUrl url, UploadGate gate, AdmitUpload admit, FreeSpace space, IOptions<UploadOptions> options, TimeProvider clock)
    {
        SetHeaders(context);
        var started = clock.GetTimestamp();
        // Whoever answers, here or outside: then it is known how it ended.
        context.Response.OnCompleted(() =>
        {
            UploadMetrics.Count(context.Response.StatusCode, clock.GetElapsedTime(started));
            return Task.CompletedTask;
        });
        using var time = new CancellationTokenSource(TimeSpan.FromMinutes(options.Value.MaxMinutes), clock);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(time.Token, context.RequestAborted);
        try
        {
            // Everything up to the body is judged before a byte of the body is asked for.
            var slot = new UploadGrant(deploymentId, deployId, ReadPurpose(purpose));
            url.Check(slot.Deployment, slot.Deploy, slot.Purpose, context.Request.Query);
            CheckFraming(context.Request);
            using var place = gate.TryEnter() ?? throw Busy(context.Response, options.Value.MaxConcurrent);
            await admit.CheckAsync(slot, ends.Token);
            PrepareBody(context);
            // What is longer than any upload may be is refused for that, and not for want of space.
            space.Check(Math.Min(context.Request.ContentLength ?? 0, options.Value.MaxBytes));
            await ServeAsync(context, slot, ends.Token);
        }
        catch (OperationCanceledException cancelled) when (time.IsCancellationRequested)
        {
            throw BlobError.Of(StatusCodes.Status408RequestTimeout, "OperationTimedOut",
                $"The upload took longer than {options.Value.MaxMinutes} minutes (Uploads:MaxMinutes).", cancelled);
        }
        catch (Exception exception) when (BlobError.IsWanted(context.Request)
            && (exception as ApiException ?? StorageFailure.Of(exception)) is { } refusal)
        {
            LimitHits.Count(refusal.Message);
            await BlobError.WriteAsync(context.Response, refusal, context.RequestAborted);
        }
    }

    private static async Task ServeAsync(HttpContext context, UploadGrant slot, CancellationToken cancellationToken)
    {
        var (request, services) = (context.Request, context.RequestServices);
        switch (request.Query["comp"].ToString())
        {
            case "" when !request.Query.ContainsKey("comp"):
                Answer(context, await services.GetRequiredService<PutBlob>().RunAsync(slot, request, cancellationToken));
                break;
            case "block":
                await services.GetRequiredService<PutBlock>().RunAsync(slot, request, cancellationToken);
                context.Response.StatusCode = StatusCodes.Status201Created;
                break;
            case "blocklist":
                Answer(context, await services.GetRequiredService<PutBlockList>().RunAsync(slot, request, cancellationToken));
                break;
            case var other:
                throw BlobError.BadRequest("InvalidQueryParameterValue",
                    $"'comp' must be 'block', 'blocklist' or absent, not '{ApiException.Shorten(other)}'.");
        }
    }

    /// <summary>The header names are in lower case because scripts look for them so, and HTTP/1.1 sends them as written.</summary>
    private static void Answer(HttpContext context, BundleVersion version)
    {
        var headers = context.Response.Headers;
        headers["x-ms-version-id"] = version.Version;
        headers.ETag = $"\"{version.ManifestDigest}\"";
        headers.LastModified = HeaderUtilities.FormatDate(version.CreatedAt);
        context.Response.StatusCode = StatusCodes.Status201Created;
    }

    private static void SetHeaders(HttpContext context)
    {
        var asked = context.Request.Headers["x-ms-version"].ToString();
        var isDate = DateOnly.TryParseExact(asked, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
        SetHeader(context.Response, "x-ms-version", isDate ? asked : BlobVersion);
        SetHeader(context.Response, "x-ms-request-id", context.TraceIdentifier);
    }

    /// <summary>Sets a header when the answer starts: an error's answer begins with the headers cleared.</summary>
    private static void SetHeader(HttpResponse response, string name, string value) => response.OnStarting(() =>
    {
        response.Headers[name] = value;
        return Task.CompletedTask;
    });

    private static ApiException Busy(HttpResponse response, int limit)
    {
        SetHeader(response, HeaderNames.RetryAfter, "3");
        return BlobError.Of(StatusCodes.Status503ServiceUnavailable, "ServerBusy",
            $"{limit} uploads are running (Uploads:MaxConcurrent); try again in a few seconds.");
    }

    private static void PrepareBody(HttpContext context)
    {
        var features = context.Features;
        // The limit is ours to enforce, with a message that names the setting.
        if (features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        // Kestrel has no rate for a single HTTP/2 request, and throws when one is set.
        var isOneRequest = HttpProtocol.IsHttp11(context.Request.Protocol) || HttpProtocol.IsHttp10(context.Request.Protocol);
        if (isOneRequest && features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = new MinDataRate(bytesPerSecond: 10 * 1024, gracePeriod: TimeSpan.FromSeconds(10));
    }

    private static void CheckFraming(HttpRequest request)
    {
        // Kestrel lets the chunks win and moves the length aside, and undoes no other encoding. Two programs could see two
        // different bodies in such a request.
        var coding = request.Headers.TransferEncoding.ToString();
        if (coding.Length > 0 && (request.ContentLength is not null || request.Headers.ContainsKey("X-Content-Length")))
            throw BlobError.BadRequest("InvalidHeaderValue", "Send Content-Length or Transfer-Encoding, not both.");
        if (coding.Length > 0 && !coding.Equals("chunked", StringComparison.OrdinalIgnoreCase))
            throw BlobError.BadRequest("InvalidHeaderValue", "The only Transfer-Encoding that is taken is 'chunked'.");
        if (request.Headers.ContainsKey("x-ms-structured-body"))
            throw BlobError.BadRequest("UnsupportedHeader",
                "Structured bodies are not supported; turn the client's transfer validation off.");
    }

    private static BundlePurpose ReadPurpose(string purpose) =>
        Enum.GetValues<BundlePurpose>().Cast<BundlePurpose?>().FirstOrDefault(value => SignedUploadUrl.Segment(value!.Value) == purpose)
        ?? throw ApiException.NotFound("upload", purpose);

    private static void RejectMethod(HttpContext context)
    {
        SetHeader(context.Response, HeaderNames.Allow, HttpMethods.Put);
        throw BlobError.Of(StatusCodes.Status405MethodNotAllowed, "UnsupportedHttpVerb", "An upload address takes PUT only.");
    }
}
