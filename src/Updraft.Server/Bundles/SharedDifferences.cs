using System.Collections.Concurrent;
using System.IO.Compression;
using Updraft.Protocol;

namespace Updraft.Server.Bundles;

/// <summary>A difference as it travels: its bytes, and the same packed when that pays.</summary>
internal sealed record DifferenceBody(byte[] Plain, byte[]? Gzip);

/// <summary>
/// The agents of a Deployment that wake together ask for the same difference at the same time: it is made once. Manifests never change,
/// and where contents stand is a hint, so it is kept for a while, for those who come a little later.
/// </summary>
internal sealed class SharedDifferences(IServiceScopeFactory scopes, TimeProvider clock)
{
    private const int SmallestToCompress = 1024, LargestKept = 256 * 1024, MaxKept = 64;
    private static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<(DeploymentId, Digest?, Digest), Entry> _entries = new();

    /// <summary>What leads from one manifest of a Deployment to another; see <see cref="CompareManifests"/>.</summary>
    public async Task<DifferenceBody> ReadAsync(DeploymentId deployment, Digest? from, Digest to, CancellationToken cancellationToken)
    {
        var key = (deployment, from, to);
        Forget();
        // Whoever began it may go away while others wait for it, so it belongs to none of them.
        var entry = _entries.GetOrAdd(key, _ => new Entry(clock.GetTimestamp(), new(() => MakeAsync(deployment, from, to))));
        var isKept = false;
        try
        {
            var body = await entry.Body.Value.WaitAsync(cancellationToken);
            isKept = body.Plain.Length <= LargestKept;
            return body;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            isKept = true;
            throw;
        }
        finally
        {
            if (!isKept)
                _entries.TryRemove(new(key, entry));
        }
    }

    private async Task<DifferenceBody> MakeAsync(DeploymentId deployment, Digest? from, Digest to)
    {
        await using var scope = scopes.CreateAsyncScope();
        var compare = scope.ServiceProvider.GetRequiredService<CompareManifests>();
        var plain = (await compare.RunAsync(deployment, from, to, CancellationToken.None)).ToBytes();
        return new(plain, plain.Length > SmallestToCompress ? Pack(plain) : null);
    }

    private void Forget()
    {
        foreach (var entry in _entries)
        {
            if (clock.GetElapsedTime(entry.Value.At) > KeptFor)
                _entries.TryRemove(entry);
        }
        if (_entries.Count > MaxKept)
            _entries.Clear();
    }

    private static byte[] Pack(byte[] body)
    {
        using var packed = new MemoryStream(body.Length / 2);
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(body);
        return packed.ToArray();
    }

    private sealed record Entry(long At, Lazy<Task<DifferenceBody>> Body);
}
