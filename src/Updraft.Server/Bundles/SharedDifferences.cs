using System.Collections.Concurrent;
using System.IO.Compression;
using Updraft.Protocol;

namespace Updraft.Server.Bundles;

/// <summary>A difference as a response body: plain, and compressed if it is large enough.</summary>
internal sealed record DifferenceBody(byte[] Plain, byte[]? Gzip);

/// <summary>
/// A deploy notifies all agents of a Deployment at once, and they request the same difference at the same time. This class computes it
/// once and caches it for 30 seconds. The cache cannot be wrong: manifests never change, and a stale location of a content is only a
/// hint.
/// </summary>
internal sealed class SharedDifferences(IServiceScopeFactory scopes, TimeProvider clock)
{
    private const int MinBytesToCompress = 1024, MaxCachedBytes = 256 * 1024, MaxCachedEntries = 64;
    private static readonly TimeSpan CacheLifetime = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<(DeploymentId, Digest?, Digest), Entry> _entries = new();

    /// <summary>The difference between two manifests of a Deployment; see <see cref="CompareManifests"/>.</summary>
    public async Task<DifferenceBody> ReadAsync(DeploymentId deployment, Digest? from, Digest to, CancellationToken cancellationToken)
    {
        var key = (deployment, from, to);
        RemoveExpired();
        // No request owns the task: the first requester may disconnect while others wait.
        var entry = _entries.GetOrAdd(key, _ => new Entry(clock.GetTimestamp(), new(() => ComputeAsync(deployment, from, to))));
        var isCached = false;
        try
        {
            var body = await entry.Body.Value.WaitAsync(cancellationToken);
            isCached = body.Plain.Length <= MaxCachedBytes;
            return body;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            isCached = true;
            throw;
        }
        finally
        {
            if (!isCached)
                _entries.TryRemove(new(key, entry));
        }
    }

    private async Task<DifferenceBody> ComputeAsync(DeploymentId deployment, Digest? from, Digest to)
    {
        await using var scope = scopes.CreateAsyncScope();
        var compare = scope.ServiceProvider.GetRequiredService<CompareManifests>();
        var plain = (await compare.RunAsync(deployment, from, to, CancellationToken.None)).ToBytes();
        return new(plain, plain.Length > MinBytesToCompress ? Compress(plain) : null);
    }

    private void RemoveExpired()
    {
        foreach (var entry in _entries)
        {
            if (clock.GetElapsedTime(entry.Value.At) > CacheLifetime)
                _entries.TryRemove(entry);
        }
        if (_entries.Count > MaxCachedEntries)
            _entries.Clear();
    }

    private static byte[] Compress(byte[] body)
    {
        using var compressed = new MemoryStream(body.Length / 2);
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(body);
        return compressed.ToArray();
    }

    private sealed record Entry(long At, Lazy<Task<DifferenceBody>> Body);
}
