using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Bundles;

namespace Updraft.Server.Uploads;

/// <summary>
/// Put Blob: a whole archive in one request. A repeated request creates another version; finalize names the version to deploy.
/// </summary>
/// <exception cref="ApiException">
/// 400: the header <c>x-ms-blob-type: BlockBlob</c> is missing, or the body is not a valid archive. 413: the body is too large.
/// </exception>
internal sealed class PutBlob(IngestUpload ingest, IOptions<UploadOptions> options, TimeProvider clock)
{
    public async Task<BundleVersion> RunAsync(UploadGrant grant, HttpRequest request, CancellationToken cancellationToken)
    {
        var type = request.Headers["x-ms-blob-type"].ToString();
        if (type.Length == 0)
            throw BlobError.BadRequest("MissingRequiredHeader", "The header 'x-ms-blob-type' is missing. "
                + "Send 'x-ms-blob-type: BlockBlob'.");
        if (type != "BlockBlob")
            throw BlobError.BadRequest("InvalidHeaderValue",
                $"The header 'x-ms-blob-type' is '{ApiException.Shorten(type)}', but must be 'BlockBlob'.");
        await using var body = UploadBody.Of(request, options.Value.MaxBytes, UploadLimits.MaxBytes,
            new UploadPace(options.Value, clock));
        return await ingest.RunAsync(grant, request, body, cancellationToken);
    }
}
