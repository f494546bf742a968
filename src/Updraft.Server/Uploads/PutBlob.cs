using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Bundles;

namespace Updraft.Server.Uploads;

/// <summary>Put Blob: a whole archive in one request. Sent twice, it makes two versions, and finalize names the one that counts.</summary>
/// <exception cref="ApiException">400: no <c>x-ms-blob-type: BlockBlob</c>, or not an archive. 413: too large.</exception>
internal sealed class PutBlob(IngestUpload ingest, IOptions<UploadOptions> options)
{
    public async Task<BundleVersion> RunAsync(UploadGrant slot, HttpRequest request, CancellationToken cancellationToken)
    {
        var type = request.Headers["x-ms-blob-type"].ToString();
        if (type.Length == 0)
            throw BlobError.BadRequest("MissingRequiredHeader", "Send the header 'x-ms-blob-type: BlockBlob'.");
        if (type != "BlockBlob")
            throw BlobError.BadRequest("InvalidHeaderValue", "'x-ms-blob-type' must be BlockBlob.");
        await using var body = UploadBody.Of(request, options.Value.MaxBytes, "Uploads:MaxBytes");
        return await ingest.RunAsync(slot, body, cancellationToken);
    }
}
