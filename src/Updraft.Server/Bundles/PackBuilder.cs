using System.Buffers;
using Updraft.Protocol;
using Updraft.Server.Archives;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Bundles;

/// <summary>
/// Gathers the contents of an upload that its Deployment lacks into one new pack. Small contents wait in memory until there are
/// enough for one query; while such a batch is compressed, the next one is read. Large contents go through the pack at once and
/// are taken out again when they turn out to be known.
/// </summary>
internal sealed class PackBuilder(UpdraftDbContext db, IBlobStore store, DeploymentId deployment, string packId) : IAsyncDisposable
{
    private const int MaxSmall = 1024 * 1024, MaxBatchBytes = 4 * 1024 * 1024;

    private readonly HashSet<Digest> _seen = [];
    private Batch _filling = new(), _storing = new();

    // The batch that is on its way into the pack. Until it is done, database and pack belong to it.
    private Task _stored = Task.CompletedTask;
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
        await _stored;
        if (Entries.Count == 0)
            return;
        _pack!.Complete();
        await _blob!.CommitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        // If it failed, that was said before or does not matter any more.
        await _stored.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _filling.Dispose();
        _storing.Dispose();
        try
        {
            // On a full disk this may fail once more; the blob must go all the same.
            _pack?.Dispose();
        }
        finally
        {
            if (_blob is not null)
                await _blob.DisposeAsync();
        }
    }

    private async Task AddSmallAsync(ArchiveNode file, ArchiveReader archive, CancellationToken cancellationToken)
    {
        if (_filling.Used + file.Size > MaxBatchBytes || _filling.Contents.Count == BundleContentQueries.BatchSize)
            await FlushAsync(cancellationToken);
        var start = _filling.Used;
        ReadOnlyMemory<byte> piece;
        while (!(piece = await archive.ReadContentAsync(cancellationToken)).IsEmpty)
        {
            piece.CopyTo(_filling.Bytes.AsMemory(_filling.Used));
            _filling.Used += piece.Length;
        }
        var length = _filling.Used - start;
        file.Content = Digest.Of(_filling.Bytes.AsSpan(start, length));
        if (_seen.Add(file.Content))
            _filling.Contents.Add((file.Content, start, length));
        else
            _filling.Used = start;
    }

    private async Task AddLargeAsync(ArchiveNode file, ArchiveReader archive, CancellationToken cancellationToken)
    {
        await _stored;
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
        await _stored;
        (_filling, _storing) = (_storing, _filling);
        _filling.Clear();
        var batch = _storing;
        _stored = Task.Run(() => StoreAsync(batch, cancellationToken), cancellationToken);
    }

    private async Task StoreAsync(Batch batch, CancellationToken cancellationToken)
    {
        var known = await db.FindContentsAsync(deployment, batch.Contents.Select(item => item.Content), cancellationToken);
        foreach (var (content, start, length) in batch.Contents)
        {
            if (!known.ContainsKey(content))
                (await OpenPackAsync(cancellationToken)).Add(batch.Bytes.AsSpan(start, length), content);
        }
        // The disk works while the next batch is unpacked and compressed, instead of after the last one.
        if (_blob?.Content is FileStream file)
            Writeback.Start(file.SafeFileHandle);
    }

    private async ValueTask<PackWriter> OpenPackAsync(CancellationToken cancellationToken)
    {
        if (_pack is not null)
            return _pack;
        _blob = await store.CreateAsync(BundleBlobs.Pack(deployment, packId), cancellationToken);
        return _pack = new PackWriter(_blob.Content);
    }

    /// <summary>Small contents, back to back.</summary>
    private sealed class Batch : IDisposable
    {
        public byte[] Bytes { get; } = ArrayPool<byte>.Shared.Rent(MaxBatchBytes);

        public int Used { get; set; }

        public List<(Digest Content, int Start, int Length)> Contents { get; } = new(BundleContentQueries.BatchSize);

        public void Clear()
        {
            Used = 0;
            Contents.Clear();
        }

        public void Dispose() => ArrayPool<byte>.Shared.Return(Bytes);
    }
}
