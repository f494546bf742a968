using System.Collections.Concurrent;
using System.Security.Cryptography;
using Updraft.Protocol;
using Updraft.Server.Bundles;
using Updraft.Server.Storage;

namespace Updraft.Server.Import;

/// <summary>A blob that cannot be copied.</summary>
/// <param name="Blob">Key of the blob.</param>
/// <param name="Problem">The reason, as a sentence.</param>
internal sealed record BadBlob(string Blob, string Problem);

/// <summary>Numbers of the blobs of an import.</summary>
/// <param name="All">Blobs of the source.</param>
/// <param name="Present">Blobs that were in the target before.</param>
/// <param name="Copied">Blobs that this run has copied.</param>
/// <param name="Bytes">Sum of the sizes of the copied blobs.</param>
internal sealed record BlobCount(int All, int Present, int Copied, long Bytes);

/// <summary>
/// Copies blobs, up to four concurrently. It verifies each copy before the commit: a manifest against the digest in its key, a pack
/// against the digests in its index. It skips a blob that the target has with the same length, because an earlier run has copied it.
/// </summary>
internal sealed class CopyBlobs(IBlobStore source, IBlobStore target, Action<BlobCount> progress)
{
    private const int MaxConcurrent = 4;

    private readonly ConcurrentQueue<BadBlob> _bad = new();
    private int _present, _copied;
    private long _bytes;

    /// <summary>Copies all intact blobs. Returns the others, sorted by key.</summary>
    public async Task<(BlobCount Count, IReadOnlyList<BadBlob> Bad)> RunAsync(IReadOnlyCollection<string> keys,
        CancellationToken cancellationToken)
    {
        BlobCount Count() => new(keys.Count, Volatile.Read(ref _present), Volatile.Read(ref _copied), Interlocked.Read(ref _bytes));
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = MaxConcurrent, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(keys, parallel, async (key, token) =>
        {
            await CopyAsync(key, token);
            progress(Count());
        });
        return (Count(), [.. _bad.OrderBy(bad => bad.Blob, StringComparer.Ordinal)]);
    }

    private async Task CopyAsync(string key, CancellationToken cancellationToken)
    {
        Stream content;
        try
        {
            content = await source.OpenAsync(key, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            _bad.Enqueue(new BadBlob(key, $"It cannot be read: {exception.Message}"));
            return;
        }
        await using (content)
        {
            if (await target.LengthAsync(key, cancellationToken) == content.Length)
            {
                Interlocked.Increment(ref _present);
                return;
            }
            await using var writer = await target.CreateAsync(key, cancellationToken);
            await content.CopyToAsync(writer.Content, 128 * 1024, cancellationToken);
            await writer.Content.FlushAsync(cancellationToken);
            try
            {
                Verify(key, writer.Content, cancellationToken);
            }
            catch (InvalidDataException exception)
            {
                _bad.Enqueue(new BadBlob(key, $"It is damaged: {exception.Message}"));
                return;
            }
            await writer.CommitAsync(cancellationToken);
            Interlocked.Increment(ref _copied);
            Interlocked.Add(ref _bytes, content.Length);
        }
    }

    private static void Verify(string key, Stream content, CancellationToken cancellationToken)
    {
        if (key.StartsWith("manifests/", StringComparison.Ordinal))
        {
            content.Position = 0;
            if (!key.EndsWith("/" + new Digest(SHA256.HashData(content)), StringComparison.Ordinal))
                throw new InvalidDataException("Its bytes do not match its digest.");
        }
        else if (key.StartsWith("packs/", StringComparison.Ordinal))
        {
            foreach (var entry in PackReader.ReadIndex(content))
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var frame = new PackFrame(content, entry.Offset, entry.Length, leaveOpen: true);
                PackReader.CopyVerified(frame, entry.Size, entry.Content, Stream.Null);
            }
        }
    }
}
