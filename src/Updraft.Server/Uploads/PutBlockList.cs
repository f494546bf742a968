using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Storage;

namespace Updraft.Server.Uploads;

/// <summary>
/// Put Block List: makes staged blocks, one after another, an archive. The blocks stay, so that the list can be sent
/// again after a lost answer; like a repeated Put Blob, that makes another version.
/// </summary>
/// <exception cref="ApiException">400: not a list, or a block that was not staged. 413: the blocks are too large together.</exception>
internal sealed class PutBlockList(IngestUpload ingest, IBlobStore blobs, IOptions<UploadOptions> options)
{
    public async Task<BundleVersion> RunAsync(UploadGrant slot, HttpRequest request, CancellationToken cancellationToken)
    {
        var limits = options.Value;
        IReadOnlyList<string> ids;
        await using (var xml = UploadBody.Of(request, BlockList.MaxBytes(limits.MaxBlocks), "from Uploads:MaxBlocks"))
        {
            ids = await BlockList.ReadAsync(xml, limits.MaxBlocks, cancellationToken);
            xml.Verify();
        }
        var keys = ids.Select(id => BlockId.Key(slot, id)).ToList();
        await CheckAsync(ids, keys, limits.MaxBytes, cancellationToken);
        await using var body = UploadBody.Of(new JoinedBlocks(blobs, keys), limits.MaxBytes, "Uploads:MaxBytes");
        return await ingest.RunAsync(slot, body, cancellationToken);
    }

    private async Task CheckAsync(IReadOnlyList<string> ids, List<string> keys, long max, CancellationToken cancellationToken)
    {
        var lengths = new Dictionary<string, long>(StringComparer.Ordinal);
        var total = 0L;
        foreach (var (id, key) in ids.Zip(keys))
        {
            if (!lengths.TryGetValue(key, out var length))
            {
                length = await blobs.LengthAsync(key, cancellationToken)
                    ?? throw BlockList.Refused($"The block '{id}' was not staged, or has expired.");
                lengths.Add(key, length);
            }
            total += length;
        }
        if (total > max)
            throw BlobError.TooLarge($"The blocks have {total} bytes together; the limit is {max} (Uploads:MaxBytes).");
    }
}
