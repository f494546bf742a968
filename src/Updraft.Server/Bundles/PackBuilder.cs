using System.Buffers;
using Updraft.Protocol;
using Updraft.Server.Archives;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Bundles;

/// <summary>
/// Collects the contents of an upload that its Deployment lacks in one new pack. Small contents wait in memory until one query can check
/// a batch of them; one batch is compressed while the next one is read. Large contents are written to the pack at once, and removed again
/// if the Deployment already has them.
/// </summary>
internal sealed class PackBuilder(UpdraftDbContext db, IBlobStore store, DeploymentId deployment, string packId) : IAsyncDisposable
{
    private const int MaxSmallBytes = 1024 * 1024, MaxBatchBytes = 4 * 1024 * 1024;

    private readonly HashSet<Digest> _seen = [];
    private Batch _filling = new(), _storing = new();

    // The task that writes a batch to the pack. Only this task may use the database and the pack until it completes.
    private Task _stored = Task.CompletedTask;
    private IBlobWriter? _blob;
    private PackWriter? _pack;

    /// <summary>The entries of the pack; empty if the upload has no new content.</summary>
    public IReadOnlyList<PackEntry> Entries => _pack?.Entries ?? [];

    /// <summary>
    /// Reads the current file of the archive, adds its content to the pack if it is new, and sets the digest of the file.
    /// </summary>
    public Task AddAsync(ArchiveNode file, ArchiveReader archive, CancellationToken cancellationToken) =>
        file.Size <= MaxSmallBytes ? AddSmallAsync(file, archive, cancellationToken) : AddLargeAsync(file, archive, cancellationToken);

    /// <summary>Completes the pack and makes it durable. Without new contents, there is no pack.</summary>
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
        // A failure was thrown before, or the upload failed for another reason.
        await _stored.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _filling.Dispose();
        _storing.Dispose();
        try
        {
            // On a full disk this can fail again. The blob must be disposed nevertheless, to delete its file.
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
        // The disk writes while the next batch is decompressed and compressed. Otherwise all writes would wait for the commit.
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

    /// <summary>Small contents, without gaps.</summary>
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
