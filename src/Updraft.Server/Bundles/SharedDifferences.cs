using System.IO.Compression;
using Updraft.Protocol;
using Updraft.Server.Api;

namespace Updraft.Server.Bundles;

/// <summary>A difference as a response body: plain, and compressed if it is large enough.</summary>
internal sealed record DifferenceBody(byte[] Plain, byte[]? Gzip);

/// <summary>
/// A deploy notifies all agents of a Deployment at once, and they request the same difference at the same time. This class computes it
/// once and caches it for 30 seconds. The cache cannot be wrong: manifests never change, and a stale location of a content is only a
/// hint. It computes few differences at the same time, and stops when no request waits for the result.
/// </summary>
internal sealed class SharedDifferences(IServiceScopeFactory scopes, TimeProvider clock) : IDisposable
{
    private const int MinBytesToCompress = 1024, MaxCachedBytes = 256 * 1024, MaxCachedEntries = 64, MaxConcurrent = 2;
    private static readonly TimeSpan CacheLifetime = TimeSpan.FromSeconds(30);

    private readonly Dictionary<(DeploymentId, Digest?, Digest), Entry> _entries = [];
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _computing = new(MaxConcurrent, MaxConcurrent);

    /// <summary>The difference between two manifests of a Deployment; see <see cref="CompareManifests"/>.</summary>
    /// <exception cref="ApiException">404: no version of the Deployment has the manifest <paramref name="to"/>.</exception>
    public async Task<DifferenceBody> ReadAsync(DeploymentId deployment, Digest? from, Digest to, CancellationToken cancellationToken)
    {
        if (Join((deployment, from, to), isNew: false) is not { } entry)
        {
            // Before the key is built: otherwise each made-up digest would be a difference of its own.
            from = await CheckAsync(deployment, from, to, cancellationToken);
            entry = Join((deployment, from, to), isNew: true)!;
        }
        var isCached = false;
        try
        {
            var body = await entry.Body.WaitAsync(cancellationToken);
            isCached = body.Plain.Length <= MaxCachedBytes;
            return body;
        }
        finally
        {
            Leave((deployment, from, to), entry, isCached);
        }
    }

    public void Dispose() => _computing.Dispose();

    /// <summary>The manifest that the agent has, or null if the Deployment has no such manifest.</summary>
    private async Task<Digest?> CheckAsync(DeploymentId deployment, Digest? from, Digest to, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var compare = scope.ServiceProvider.GetRequiredService<CompareManifests>();
        if (!await compare.ExistsAsync(deployment, to, cancellationToken))
            throw ApiException.NotFound("manifest", to.ToString());
        return from is { } known && await compare.ExistsAsync(deployment, known, cancellationToken) ? known : null;
    }

    /// <summary>
    /// Waits for a difference until <see cref="Leave"/>. Null if it must be computed and <paramref name="isNew"/> is false.
    /// </summary>
    private Entry? Join((DeploymentId Deployment, Digest? From, Digest To) key, bool isNew)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var entry) || IsExpired(entry))
            {
                if (!isNew)
                    return null;
                RemoveUnused();
                entry = new Entry(clock.GetTimestamp());
                var canceled = entry.Abandoned.Token;
                entry.Body = Task.Run(() => ComputeAsync(key.Deployment, key.From, key.To, canceled), CancellationToken.None);
                _entries[key] = entry;
            }
            entry.Waiting++;
            return entry;
        }
    }

    private void RemoveUnused()
    {
        var unused = _entries.Where(pair => pair.Value.Waiting == 0).OrderBy(pair => pair.Value.At).ToList();
        foreach (var (key, entry) in unused)
        {
            if ((IsExpired(entry) || _entries.Count >= MaxCachedEntries) && _entries.Remove(key))
                entry.Dispose();
        }
    }

    private bool IsExpired(Entry entry) => clock.GetElapsedTime(entry.At) > CacheLifetime;

    private void Leave((DeploymentId, Digest?, Digest) key, Entry entry, bool isCached)
    {
        lock (_lock)
        {
            var isLast = --entry.Waiting == 0;
            if (isCached && !entry.IsAbandoned)
                return;
            if (!isLast)
                return;
            entry.IsAbandoned = true;
            if (_entries.GetValueOrDefault(key) == entry)
                _entries.Remove(key);
        }
        entry.Abandoned.Cancel();
        entry.Dispose();
    }

    private async Task<DifferenceBody> ComputeAsync(DeploymentId deployment, Digest? from, Digest to, CancellationToken cancellationToken)
    {
        await _computing.WaitAsync(cancellationToken);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var compare = scope.ServiceProvider.GetRequiredService<CompareManifests>();
            var plain = (await compare.RunAsync(deployment, from, to, cancellationToken)).ToBytes();
            cancellationToken.ThrowIfCancellationRequested();
            return new(plain, plain.Length > MinBytesToCompress ? Compress(plain) : null);
        }
        finally
        {
            _computing.Release();
        }
    }

    private static byte[] Compress(byte[] body)
    {
        using var compressed = new MemoryStream(body.Length / 2);
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(body);
        return compressed.ToArray();
    }

    /// <summary>A difference that is computed or cached. The lock guards its fields.</summary>
    private sealed class Entry(long at) : IDisposable
    {
        public long At => at;

        public Task<DifferenceBody> Body { get; set; } = null!;

        /// <summary>Canceled when the last request leaves before the end.</summary>
        public CancellationTokenSource Abandoned { get; } = new();

        public int Waiting { get; set; }

        public bool IsAbandoned { get; set; }

        public void Dispose() => Abandoned.Dispose();
    }
}
