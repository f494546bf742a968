using System.Buffers;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Bundles;

/// <summary>
/// Gathers the contents of an upload that its Deployment lacks into one new pack. Small contents wait in memory until there are
/// enough for one query, large ones go through the pack at once and are taken out again when they turn out to be known.
/// </summary>
internal sealed class PackBuilder(UpdraftDbContext db, IBlobStore store, DeploymentId deployment, string packId) : IAsyncDisposable
{
    private const int MaxSmall = 1024 * 1024, MaxBatchBytes = 8 * 1024 * 1024;

    private readonly byte[] _batch = ArrayPool<byte>.Shared.Rent(MaxBatchBytes);
    private readonly List<(Digest Content, int Start, int Length)> _waiting = new(BundleContentQueries.BatchSize);
    private readonly HashSet<Digest> _seen = [];
    private int _used;
    private IBlobWriter? _blob;
    private PackWriter? _pack;

    /// <summary>What the pack holds; empty when nothing had to be added.</summary>
    public IReadOnlyList<PackEntry> Entries => _pack?.Entries ?? [];

    /// <summary>Reads the file that the archive stands at, keeps its content if it is new, and sets its digest.</summary>
    public Task AddAsync(ArchiveNode file, ArchiveReader archive, CancellationToken cancellationToken) =>
        file.Size <= MaxSmall ? AddSmallAsync(file, archive, cancellationToken) : AddLargeAsync(file, archive, cancellationToken);

    /// <summary>Ends the pack and makes it durable. Without new contents there is none.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        if (Entries.Count == 0)
            return;
        _pack!.Complete();
        await _blob!.CommitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        ArrayPool<byte>.Shared.Return(_batch);
        _pack?.Dispose();
        if (_blob is not null)
            await _blob.DisposeAsync();
    }

    private async Task AddSmallAsync(ArchiveNode file, ArchiveReader archive, CancellationToken cancellationToken)
    {
        if (_used + file.Size > MaxBatchBytes || _waiting.Count == BundleContentQueries.BatchSize)
            await FlushAsync(cancellationToken);
        var start = _used;
        ReadOnlyMemory<byte> piece;
        while (!(piece = await archive.ReadContentAsync(cancellationToken)).IsEmpty)
        {
            piece.CopyTo(_batch.AsMemory(_used));
            _used += piece.Length;
        }
        file.Content = Digest.Of(_batch.AsSpan(start, _used - start));
        if (_seen.Add(file.Content))
            _waiting.Add((file.Content, start, _used - start));
        else
            _used = start;
    }

    private async Task AddLargeAsync(ArchiveNode file, ArchiveReader archive, CancellationToken cancellationToken)
    {
        using var content = (await OpenPackAsync(cancellationToken)).Begin();
        ReadOnlyMemory<byte> piece;
        while (!(piece = await archive.ReadContentAsync(cancellationToken)).IsEmpty)
            content.Write(piece.Span);
        file.Content = content.End();
        if (_seen.Add(file.Content) && (await db.FindContentsAsync(deployment, [file.Content], cancellationToken)).Count == 0)
            content.Keep();
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_waiting.Count > 0)
        {
            var known = await db.FindContentsAsync(deployment, _waiting.Select(content => content.Content), cancellationToken);
            foreach (var (content, start, length) in _waiting)
            {
                if (!known.ContainsKey(content))
                    (await OpenPackAsync(cancellationToken)).Add(_batch.AsSpan(start, length), content);
            }
        }
        _waiting.Clear();
        _used = 0;
    }

    private async ValueTask<PackWriter> OpenPackAsync(CancellationToken cancellationToken)
    {
        if (_pack is not null)
            return _pack;
        _blob = await store.CreateAsync(BundleBlobs.Pack(deployment, packId), cancellationToken);
        return _pack = new PackWriter(_blob.Content);
    }
}
