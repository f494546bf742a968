using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Storage;

namespace Updraft.Server.Uploads;

/// <summary>
/// Put Block: stages a part of an archive under an id that the client chose; it is on disk when the answer goes out.
/// The same id again replaces the block.
/// </summary>
/// <exception cref="ApiException">400: no proper block id. 413: the block, or all that was staged, is too large.</exception>
internal sealed class PutBlock(IBlobStore blobs, StagingBudget budget, IOptions<UploadOptions> options)
{
    public async Task RunAsync(UploadGrant slot, HttpRequest request, CancellationToken cancellationToken)
    {
        var id = request.Query["blockid"].ToString();
        if (!BlockId.IsValid(id))
            throw BlobError.BadRequest("InvalidQueryParameterValue", "'blockid' must be the base64 form of 1 to 64 bytes.");
        var limits = options.Value;
        await using var body = limits.MaxBlockBytes < limits.MaxBytes
            ? UploadBody.Of(request, limits.MaxBlockBytes, "Uploads:MaxBlockBytes")
            : UploadBody.Of(request, limits.MaxBytes, "Uploads:MaxBytes");
        budget.CheckOpen(slot);
        await using var block = await blobs.CreateAsync(BlockId.Key(slot, id), cancellationToken);
        await body.CopyToAsync(block.Content, cancellationToken);
        body.Verify();
        budget.Spend(slot, body.Count);
        await block.CommitAsync(cancellationToken);
    }
}
