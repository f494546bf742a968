using System.Globalization;
using System.Net.Mime;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Storage;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Uploads;

/// <summary>
/// Receives archives with the requests of Azure Blob Storage that its clients need: Put Blob, Put Block, Put Block List, and Get Blob
/// Properties (HEAD). The signature in the URL is the only credential.
/// </summary>
internal static class UploadEndpoints
{
    private const string Route = "/uploads/{deploymentId}/{deployId}/{purpose}", BlobVersion = "2024-11-04";

    // Without these, the stored upload would differ from the wish of the client. Headers that only describe a blob are ignored.
    private static readonly (string Name, string NextStep)[] Unsupported =
    [
        ("x-ms-copy-source", "Send the archive as the body."),
        ("x-ms-structured-body", "Turn off the transfer validation of the client."),
        ("x-ms-if-tags", "Leave it out; uploads have no tags."),
        ("x-ms-encryption-key", "Leave it out; the operator decides about the encryption of the storage."),
        ("x-ms-encryption-scope", "Leave it out; the operator decides about the encryption of the storage."),
        ("x-ms-immutability-policy-until-date", "Leave it out; an upload cannot change in any case."),
        ("x-ms-legal-hold", "Leave it out; an upload cannot change in any case."),
    ];

    public static void AddUploads(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<UploadOptions>().BindConfiguration("Uploads").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<SignedUploadUrl>();
        builder.Services.AddMetricsOf(UploadMetrics.Begin);
        builder.Services.AddLimits(UploadLimits.All);
        builder.Services.AddBackgroundWork(ExpireUploads.WorkName);
        builder.Services.AddSingleton<UploadGate>();
        builder.Services.AddSingleton<StagingBudget>();
        builder.Services.AddScoped<AdmitUpload>();
        builder.Services.AddScoped<LatestUpload>();
        builder.Services.AddScoped<IngestUpload>();
        builder.Services.AddScoped<PutBlob>();
        builder.Services.AddScoped<PutBlock>();
        builder.Services.AddScoped<PutBlockList>();
        builder.Services.AddHostedService<ExpireUploads>();
        // This log contains full URLs, and an upload URL is a credential. Its scope also adds a second request id, which callers do not
        // know.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
    }

    /// <summary>
    /// Accepts upload URLs with encoded slashes. The Azure SDK for Java, azcopy and container clients take the first segment of the path as
    /// the container, and encode the slashes in the rest. It also gives all responses below <c>/uploads</c> the form that blob clients
    /// parse. Call it before the routing.
    /// </summary>
    public static void UseUploads(this WebApplication app) => app.Use(async (context, next) =>
    {
        const string Root = "/uploads", Slash = "%2F";
        if (context.Request.Path.Value is not { } path || !path.StartsWith(Root, StringComparison.Ordinal))
        {
            await next(context);
            return;
        }
        // The conversion from string would decode the path again.
        context.Request.Path = new PathString(path.Replace(Slash, "/", StringComparison.OrdinalIgnoreCase));
        SetHeaders(context);
        try
        {
            await next(context);
            if (context.Response is { HasStarted: false, ContentType: null, StatusCode: var status and (404 or 400) })
                throw BlobError.Of(RequestErrors.OfStatus(status), status == 404 ? "ResourceNotFound" : "InvalidUri",
                    $"'{ApiException.Shorten(context.Request.Path.Value ?? "")}' is not the path of an upload URL. Use the upload URL of the "
                    + "deploy unchanged.");
        }
        catch (Exception exception) when (BlobError.AcceptsXml(context.Request)
            && (exception as ApiException ?? StorageFailure.Of(exception)) is { } error)
        {
            LimitHits.Count(error.Limit);
            await BlobError.WriteXmlAsync(context.Response, error, context.RequestAborted);
        }
    });

    public static void MapUploads(this IEndpointRouteBuilder routes)
    {
        routes.MapPut(Route, PutAsync).AllowAnonymous();
        routes.MapMethods(Route, [HttpMethods.Head], ReadPropertiesAsync).AllowAnonymous();
        routes.Map(Route, RejectMethod).AllowAnonymous();
    }

    private static async Task PutAsync(HttpContext context, DeploymentId deploymentId, DeployId deployId, string purpose,
        SignedUploadUrl url, UploadGate gate, AdmitUpload admit, FreeSpace space, IOptions<UploadOptions> options, TimeProvider clock)
    {
        var started = clock.GetTimestamp();
        // Counted here, because an error response is written outside of this method.
        context.Response.OnCompleted(() =>
        {
            UploadMetrics.Count(context.Response.StatusCode, clock.GetElapsedTime(started));
            return Task.CompletedTask;
        });
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(options.Value.MaxMinutes), clock);
        using var aborted = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, context.RequestAborted);
        try
        {
            // All checks run before the first read: that read sends '100 Continue', which requests the body.
            var grant = new UploadGrant(deploymentId, deployId, ReadPurpose(purpose));
            url.Check(grant.Deployment, grant.Deploy, grant.Purpose, context.Request.Query);
            CheckFraming(context.Request);
            CheckHeaders(context.Request);
            using var entry = gate.TryEnter() ?? throw TooManyUploads(context.Response, options.Value.MaxConcurrent);
            await admit.CheckAsync(grant, UploadConditions.Read(context.Request), aborted.Token);
            PrepareBody(context);
            // A body above the limit must get the error of that limit, not the error of the disk.
            space.Check(Math.Min(context.Request.ContentLength ?? 0, options.Value.MaxBytes));
            await ServeAsync(context, grant, aborted.Token);
        }
        catch (OperationCanceledException cancelled) when (timeout.IsCancellationRequested)
        {
            throw BlobError.Of(UploadErrors.UploadTimeout, "OperationTimedOut",
                $"The upload took longer than {options.Value.MaxMinutes} minutes ({UploadLimits.MaxMinutes}). "
                + "Upload over a faster connection, or raise the setting.", cancelled, UploadLimits.MaxMinutes);
        }
    }

    /// <summary>Get Blob Properties: describes the latest upload. <c>Content-Length</c> is the length of the archive.</summary>
    private static async Task ReadPropertiesAsync(HttpContext context, DeploymentId deploymentId, DeployId deployId, string purpose,
        SignedUploadUrl url, AdmitUpload admit, LatestUpload latest)
    {
        var (request, response, cancellationToken) = (context.Request, context.Response, context.RequestAborted);
        var grant = new UploadGrant(deploymentId, deployId, ReadPurpose(purpose));
        url.Check(grant.Deployment, grant.Deploy, grant.Purpose, request.Query);
        if (request.Query.ContainsKey("comp"))
            throw BlobError.BadRequest("InvalidQueryParameterValue", $"'comp' is '{ApiException.Shorten(request.Query["comp"].ToString())}', "
                + "but must be absent from a HEAD request.");
        CheckHeaders(request);
        // The conditions of a read have other rules, so they are not part of the admission.
        await admit.CheckAsync(grant, UploadConditions.None, cancellationToken);
        var version = await latest.FindAsync(grant, cancellationToken)
            ?? throw BlobError.Of(RequestErrors.NotFound, "BlobNotFound", "The upload URL has no upload yet.");
        SetVersionHeaders(response, version);
        if (!UploadConditions.Read(request).CheckRead(version))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        response.Headers["x-ms-blob-type"] = "BlockBlob";
        response.Headers["x-ms-creation-time"] = HeaderUtilities.FormatDate(version.CreatedAt);
        response.ContentType = MediaTypeNames.Application.Octet;
        response.ContentLength = await latest.ReadLengthAsync(grant, version, cancellationToken);
    }

    private static async Task ServeAsync(HttpContext context, UploadGrant grant, CancellationToken cancellationToken)
    {
        var (request, services) = (context.Request, context.RequestServices);
        switch (request.Query["comp"].ToString())
        {
            case "" when !request.Query.ContainsKey("comp"):
                await WriteVersionAsync(context, await services.GetRequiredService<PutBlob>().RunAsync(grant, request, cancellationToken));
                break;
            case "block":
                await services.GetRequiredService<PutBlock>().RunAsync(grant, request, cancellationToken);
                context.Response.StatusCode = StatusCodes.Status201Created;
                break;
            case "blocklist":
                await WriteVersionAsync(context,
                    await services.GetRequiredService<PutBlockList>().RunAsync(grant, request, cancellationToken));
                break;
            case var other:
                throw BlobError.BadRequest("InvalidQueryParameterValue",
                    $"'comp' is '{ApiException.Shorten(other)}', but must be 'block', 'blocklist' or absent.");
        }
    }

    /// <summary>
    /// Writes the response to a stored upload. Header names are in lower case, because scripts search for them in this form. Blob clients
    /// expect no body, so only clients that accept JSON get one.
    /// </summary>
    private static async Task WriteVersionAsync(HttpContext context, BundleVersion version)
    {
        SetVersionHeaders(context.Response, version);
        var warnings = version.Warnings ?? [];
        if (warnings.Count > 0)
            context.Response.Headers["x-updraft-warning"] = warnings.Select(warning => $"{warning.Code}: {ToAscii(warning.Message)}").ToArray();
        context.Response.StatusCode = StatusCodes.Status201Created;
        if (context.Request.GetTypedHeaders().Accept.Any(type =>
            type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)))
        {
            var body = new UploadResponse { Version = version.Version, Warnings = [.. warnings.Select(warning => warning.ToResponse())] };
            await context.Response.WriteAsJsonAsync(body, ApiJson.Default.UploadResponse, cancellationToken: context.RequestAborted);
        }
    }

    private static void SetVersionHeaders(HttpResponse response, BundleVersion version)
    {
        response.Headers["x-ms-version-id"] = version.Version;
        response.Headers.ETag = UploadConditions.Tag(version);
        response.Headers.LastModified = HeaderUtilities.FormatDate(version.CreatedAt);
    }

    private static string ToAscii(string text) =>
        string.Create(text.Length, text, static (result, from) =>
        {
            for (var i = 0; i < result.Length; i++)
                result[i] = from[i] is >= ' ' and <= '~' ? from[i] : '?';
        });

    private static void SetHeaders(HttpContext context)
    {
        var requested = context.Request.Headers["x-ms-version"].ToString();
        var isDate = DateOnly.TryParseExact(requested, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
        SetHeader(context.Response, "x-ms-version", isDate ? requested : BlobVersion);
        SetHeader(context.Response, "x-ms-request-id", context.TraceIdentifier);
    }

    /// <summary>Sets a header when the response starts, because an error response first clears all headers.</summary>
    private static void SetHeader(HttpResponse response, string name, string value) => response.OnStarting(() =>
    {
        response.Headers[name] = value;
        return Task.CompletedTask;
    });

    private static ApiException TooManyUploads(HttpResponse response, int limit)
    {
        SetHeader(response, HeaderNames.RetryAfter, "3");
        return BlobError.Of(UploadErrors.TooManyUploads, "ServerBusy",
            $"The server already processes {limit} uploads ({UploadLimits.MaxConcurrent}). Send the request again in 3 seconds.",
            limit: UploadLimits.MaxConcurrent);
    }

    private static void PrepareBody(HttpContext context)
    {
        var features = context.Features;
        // UploadBody enforces the limit, with a message that names the setting.
        if (features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        // UploadPace limits the speed. Kestrel's rate has no patience with the pauses of a pipe.
        if (features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
    }

    private static void CheckFraming(HttpRequest request)
    {
        // Kestrel prefers the chunks, moves the length to X-Content-Length, and decodes no other encoding. A proxy could read another body
        // from such a request.
        var coding = request.Headers.TransferEncoding.ToString();
        if (coding.Length > 0 && (request.ContentLength is not null || request.Headers.ContainsKey("X-Content-Length")))
            throw BlobError.BadRequest("InvalidHeaderValue", "The request has both Content-Length and Transfer-Encoding. "
                + "Send one of them.");
        if (coding.Length > 0 && !coding.Equals("chunked", StringComparison.OrdinalIgnoreCase))
            throw BlobError.BadRequest("InvalidHeaderValue", $"'Transfer-Encoding' is '{ApiException.Shorten(coding)}', "
                + "but must be 'chunked' or absent.");
    }

    private static void CheckHeaders(HttpRequest request)
    {
        foreach (var (name, nextStep) in Unsupported)
        {
            if (request.Headers.ContainsKey(name))
                throw BlobError.BadRequest("UnsupportedHeader", $"The header '{name}' is not supported. {nextStep}");
        }
    }

    private static BundlePurpose ReadPurpose(string purpose) =>
        Enum.GetValues<BundlePurpose>().Cast<BundlePurpose?>().FirstOrDefault(value => SignedUploadUrl.Segment(value!.Value) == purpose)
        ?? throw BlobError.Of(RequestErrors.NotFound, "ResourceNotFound",
            $"The upload URL ends in '{ApiException.Shorten(purpose)}', but must end in 'dags' or 'bundle'. Use it unchanged.");

    private static void RejectMethod(HttpContext context)
    {
        SetHeader(context.Response, HeaderNames.Allow, $"{HttpMethods.Head}, {HttpMethods.Put}");
        throw BlobError.Of(RequestErrors.MethodNotAllowed, "UnsupportedHttpVerb",
            $"An upload URL does not support {ApiException.Shorten(context.Request.Method)}. Upload with PUT, "
            + "or read the properties of the latest upload with HEAD.");
    }
}
