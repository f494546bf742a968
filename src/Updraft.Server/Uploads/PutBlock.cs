using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Storage;

namespace Updraft.Server.Uploads;

/// <summary>
/// Put Block: stages a part of an archive under an id that the client chooses. The block is durable when the response is sent. A block with
/// the same id replaces the previous one.
/// </summary>
/// <exception cref="ApiException">400: the block id is invalid. 413: the block, or the sum of all staged blocks, is too large.</exception>
internal sealed class PutBlock(IBlobStore blobs, StagingBudget budget, IOptions<UploadOptions> options, TimeProvider clock)
{
    public async Task RunAsync(UploadGrant grant, HttpRequest request, CancellationToken cancellationToken)
    {
        var id = request.Query["blockid"].ToString();
        if (!BlockId.IsValid(id))
            throw BlobError.BadRequest("InvalidQueryParameterValue",
                $"'blockid' is '{ApiException.Shorten(id)}', but must be the base64 form of 1 to 64 bytes.");
        var limits = options.Value;
        var pace = new UploadPace(limits, clock);
        await using var body = limits.MaxBlockBytes < limits.MaxBytes
            ? UploadBody.Of(request, limits.MaxBlockBytes, UploadLimits.MaxBlockBytes, pace)
            : UploadBody.Of(request, limits.MaxBytes, UploadLimits.MaxBytes, pace);
        budget.CheckOpen(grant);
        await using var block = await blobs.CreateAsync(BlockId.Key(grant, id), cancellationToken);
        await body.CopyToAsync(block.Content, cancellationToken);
        body.Verify();
        budget.Spend(grant, body.Count);
        await block.CommitAsync(cancellationToken);
    }
}
