using System.Collections.Concurrent;
using System.Security.Cryptography;
using Updraft.Protocol;
using Updraft.Server.Archives;
using Updraft.Server.Storage;

namespace Updraft.Server.Import;

/// <summary>A blob that cannot be copied.</summary>
/// <param name="Blob">Its key.</param>
/// <param name="Problem">What is wrong with it, as a sentence.</param>
internal sealed record BadBlob(string Blob, string Problem);

/// <summary>How many blobs there are, how many of them were there before or are copied, and the bytes that were copied.</summary>
internal sealed record BlobCount(int All, int Present, int Copied, long Bytes);

/// <summary>
/// Copies blobs, several at once, with a buffer each. What was copied is compared with its digest before it becomes visible: the digest
/// in a manifest's name, those in a pack's index. A blob that is there with the same length is one that an earlier run has copied.
/// </summary>
internal sealed class CopyBlobs(IBlobStore source, IBlobStore target, Action<BlobCount> progress)
{
    private const int AtOnce = 4;

    private readonly ConcurrentQueue<BadBlob> _bad = new();
    private int _present, _copied;
    private long _bytes;

    /// <summary>Copies all that can be; returns those that are damaged.</summary>
    public async Task<(BlobCount Count, IReadOnlyList<BadBlob> Bad)> RunAsync(IReadOnlyCollection<string> keys, CancellationToken cancellationToken)
    {
        BlobCount Count() => new(keys.Count, Volatile.Read(ref _present), Volatile.Read(ref _copied), Interlocked.Read(ref _bytes));
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken };
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
                Check(key, writer.Content, cancellationToken);
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

    private static void Check(string key, Stream content, CancellationToken cancellationToken)
    {
        if (key.StartsWith("manifests/", StringComparison.Ordinal))
        {
            content.Position = 0;
            if (!key.EndsWith("/" + new Digest(SHA256.HashData(content)), StringComparison.Ordinal))
                throw new InvalidDataException("Its bytes do not have its digest.");
        }
        else if (key.StartsWith("packs/", StringComparison.Ordinal))
        {
            foreach (var entry in PackReader.ReadIndex(content))
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var frame = new PackFrame(content, entry.Offset, entry.Length);
                PackReader.CopyVerified(frame, entry.Size, entry.Content, Stream.Null);
            }
        }
    }
}
