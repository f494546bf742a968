using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Uploads;

/// <summary>
/// Bounds what one slot can stage: twice the blocks and twice the bytes of the largest upload, so that a client can send
/// every block again. Counted in memory; a restart begins anew, and staged blocks expire anyway.
/// </summary>
internal sealed class StagingBudget(IOptions<UploadOptions> options)
{
    private readonly ConcurrentDictionary<UploadGrant, (long Blocks, long Bytes)> _spent = new();

    /// <summary>Says no before a body is read that would be refused anyway.</summary>
    /// <exception cref="ApiException">413: the slot has staged enough.</exception>
    public void CheckOpen(UploadGrant slot) => Check(_spent.GetValueOrDefault(slot));

    /// <summary>Counts a block, before it becomes visible.</summary>
    /// <exception cref="ApiException">413: the slot has staged enough.</exception>
    public void Spend(UploadGrant slot, long bytes) =>
        Check(_spent.AddOrUpdate(slot, (1, bytes), (_, before) => (before.Blocks + 1, before.Bytes + bytes)));

    /// <summary>Forgets the slots that no longer take anything.</summary>
    public void Forget(UploadGrant slot) => _spent.TryRemove(slot, out _);

    private void Check((long Blocks, long Bytes) spent)
    {
        if (spent.Blocks > 2L * options.Value.MaxBlocks)
            throw Exceeded($"{spent.Blocks} blocks were staged; the limit is twice Uploads:MaxBlocks ({options.Value.MaxBlocks}).");
        if (spent.Bytes > 2 * options.Value.MaxBytes)
            throw Exceeded($"{spent.Bytes} bytes were staged; the limit is twice Uploads:MaxBytes ({options.Value.MaxBytes}).");
    }

    private static ApiException Exceeded(string message) =>
        BlobError.TooLarge(message + " Create a new deploy.");
}
