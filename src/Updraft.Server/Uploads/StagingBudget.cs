using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Uploads;

/// <summary>
/// Limits the blocks that one slot can stage to twice the number and twice the bytes of the largest upload. So a client can send every
/// block twice. The counts are in memory, so a restart resets them; staged blocks expire nevertheless.
/// </summary>
internal sealed class StagingBudget(IOptions<UploadOptions> options)
{
    private readonly ConcurrentDictionary<UploadGrant, (long Blocks, long Bytes)> _spent = new();

    /// <summary>Rejects a block before its body is read if the slot has already exceeded the limit.</summary>
    /// <exception cref="ApiException">413: the slot has exceeded the limit.</exception>
    public void CheckOpen(UploadGrant grant) => Check(_spent.GetValueOrDefault(grant));

    /// <summary>Counts a block. Call it before the commit of the block.</summary>
    /// <exception cref="ApiException">413: the block exceeds the limit of the slot.</exception>
    public void Spend(UploadGrant grant, long bytes) =>
        Check(_spent.AddOrUpdate(grant, (1, bytes), (_, before) => (before.Blocks + 1, before.Bytes + bytes)));

    /// <summary>Removes the count of a closed or expired slot.</summary>
    public void Forget(UploadGrant grant) => _spent.TryRemove(grant, out _);

    private void Check((long Blocks, long Bytes) spent)
    {
        if (spent.Blocks > 2L * options.Value.MaxBlocks)
        {
            throw Exceeded(UploadLimits.MaxBlocks, $"{spent.Blocks} blocks were staged", options.Value.MaxBlocks,
                "Upload larger blocks");
        }
        if (spent.Bytes > 2 * options.Value.MaxBytes)
        {
            throw Exceeded(UploadLimits.MaxBytes, $"{spent.Bytes} bytes were staged", options.Value.MaxBytes,
                "Upload a smaller archive");
        }
    }

    // Most clients reach the limit because the archive is too large. A new deploy helps only if blocks were sent several times.
    private static ApiException Exceeded(string limit, string staged, long value, string advice) => BlobError.TooLarge(limit,
        $"{staged} for this deploy; the limit is twice {limit} ({value}). {advice}, or raise {limit}. "
        + "If the client sent blocks several times, create a new deploy.");
}
