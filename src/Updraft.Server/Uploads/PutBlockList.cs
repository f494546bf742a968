using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Storage;

namespace Updraft.Server.Uploads;

/// <summary>
/// Put Block List: joins staged blocks to an archive. The blocks stay staged, so that the client can repeat the request after a lost
/// response. A repeated request creates another version, as with Put Blob.
/// </summary>
/// <exception cref="ApiException">400: the list is malformed, or a block is not staged. 413: the blocks are too large together.</exception>
internal sealed class PutBlockList(IngestUpload ingest, IBlobStore blobs, IOptions<UploadOptions> options, TimeProvider clock)
{
    public async Task<BundleVersion> RunAsync(UploadGrant grant, HttpRequest request, CancellationToken cancellationToken)
    {
        var limits = options.Value;
        IReadOnlyList<string> ids;
        await using (var xml = UploadBody.Of(request, BlockList.MaxBytes(limits.MaxBlocks), UploadLimits.MaxBlocks,
            new UploadPace(limits, clock)))
        {
            ids = await BlockList.ReadAsync(xml, limits.MaxBlocks, cancellationToken);
            xml.Verify();
        }
        var keys = ids.Select(id => BlockId.Key(grant, id)).ToList();
        await CheckAsync(ids, keys, limits.MaxBytes, cancellationToken);
        await using var body = UploadBody.Of(new JoinedBlocks(blobs, keys), limits.MaxBytes, UploadLimits.MaxBytes);
        return await ingest.RunAsync(grant, request, body, cancellationToken);
    }

    private async Task CheckAsync(IReadOnlyList<string> ids, List<string> keys, long maxBytes, CancellationToken cancellationToken)
    {
        var lengths = new Dictionary<string, long>(StringComparer.Ordinal);
        var total = 0L;
        foreach (var (id, key) in ids.Zip(keys))
        {
            if (!lengths.TryGetValue(key, out var length))
            {
                length = await blobs.LengthAsync(key, cancellationToken)
                    ?? throw BlockList.Invalid($"The block '{id}' was not staged, or has expired. Stage it, then send the list again.");
                lengths.Add(key, length);
            }
            total += length;
        }
        if (total > maxBytes)
            throw BlobError.TooLarge(UploadLimits.MaxBytes, $"The blocks have {total} bytes together; the limit is {maxBytes} bytes "
                + $"({UploadLimits.MaxBytes}). Upload fewer bytes, or raise the setting.");
    }
}
