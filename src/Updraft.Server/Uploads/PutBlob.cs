using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Bundles;

namespace Updraft.Server.Uploads;

/// <summary>Put Blob: a whole archive in one request. Sent twice, it makes two versions, and finalize names the one that counts.</summary>
/// <exception cref="ApiException">400: no <c>x-ms-blob-type: BlockBlob</c>, or not an archive. 413: too large.</exception>
internal sealed class PutBlob(IngestUpload ingest, IOptions<UploadOptions> options)
{
    public async Task<BundleVersion> RunAsync(UploadAddress slot, HttpRequest request, CancellationToken cancellationToken)
    {
        var type = request.Headers["x-ms-blob-type"].ToString();
        if (type.Length == 0)
            throw new ApiException(StatusCodes.Status400BadRequest, "Send the header 'x-ms-blob-type: BlockBlob'.") { BlobErrorCode = "MissingRequiredHeader" };
        if (type != "BlockBlob")
            throw new ApiException(StatusCodes.Status400BadRequest, "'x-ms-blob-type' must be BlockBlob.") { BlobErrorCode = "InvalidHeaderValue" };
        await using var body = UploadBody.Of(request, options.Value.MaxBytes, "Uploads:MaxBytes");
        return await ingest.RunAsync(slot, body, cancellationToken);
    }
}
