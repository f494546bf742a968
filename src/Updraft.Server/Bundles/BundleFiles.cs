using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Bundles;

/// <summary>Reads what a version holds, file by file: from its manifest and the packs, without unpacking anything else.</summary>
internal sealed class BundleFiles(UpdraftDbContext db, IBlobStore store)
{
    private const int MostInMemory = 1024 * 1024;

    /// <summary>A version and its files.</summary>
    /// <exception cref="ApiException">404: the Deployment has no such version.</exception>
    public async Task<(BundleVersion Version, Manifest Manifest)> ReadVersionAsync(DeploymentId deployment, string version, CancellationToken cancellationToken)
    {
        var row = await db.BundleVersions.AsNoTracking()
            .SingleOrDefaultAsync(row => row.DeploymentId == deployment && row.Version == version, cancellationToken)
            ?? throw ApiException.NotFound("version", version);
        return (row, await ReadManifestAsync(deployment, row.ManifestDigest, cancellationToken));
    }

    /// <summary>A manifest of the Deployment's, which the caller knows to be one.</summary>
    /// <exception cref="InvalidDataException">The store has damaged it.</exception>
    public async Task<Manifest> ReadManifestAsync(DeploymentId deployment, Digest digest, CancellationToken cancellationToken)
    {
        await using var blob = await store.OpenAsync(BundleBlobs.Manifest(deployment, digest), cancellationToken);
        var bytes = new byte[blob.Length];
        await blob.ReadExactlyAsync(bytes, cancellationToken);
        var manifest = Manifest.Parse(bytes);
        return manifest.Digest == digest
            ? manifest
            : throw new InvalidDataException($"The manifest {digest} of {deployment} is another one.");
    }

    /// <summary>The content of a file, checked against its digest. It is held in memory: ask for nothing that may be large.</summary>
    /// <exception cref="InvalidDataException">The store has damaged or lost it.</exception>
    public async Task<byte[]> ReadAsync(DeploymentId deployment, ManifestEntry file, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream(checked((int)file.Size));
        await CopyAsync(deployment, file, content, cancellationToken);
        return content.ToArray();
    }

    /// <summary>The content of a file of any size, checked against its digest before a byte of it is given away.</summary>
    /// <exception cref="InvalidDataException">The store has damaged or lost it.</exception>
    public async Task<Stream> OpenAsync(DeploymentId deployment, ManifestEntry file, CancellationToken cancellationToken)
    {
        Stream content = file.Size <= MostInMemory ? new MemoryStream((int)file.Size)
            : new FileStream(Path.Join(Path.GetTempPath(), Path.GetRandomFileName()), new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        try
        {
            await CopyAsync(deployment, file, content, cancellationToken);
            content.Position = 0;
            return content;
        }
        catch
        {
            await content.DisposeAsync();
            throw;
        }
    }

    private async Task CopyAsync(DeploymentId deployment, ManifestEntry file, Stream destination, CancellationToken cancellationToken)
    {
        var places = await db.FindContentsAsync(deployment, [file.Content], cancellationToken);
        if (!places.TryGetValue(file.Content, out var place))
            throw new InvalidDataException($"No pack of {deployment} is known to hold the content {file.Content}.");
        await using var pack = await store.OpenAsync(BundleBlobs.Pack(deployment, place.PackId), cancellationToken);
        await using var frame = new PackFrame(pack, place.Offset, place.Length);
        PackReader.CopyVerified(frame, file.Size, file.Content, destination);
    }

    /// <summary>One frame of a pack.</summary>
    private sealed class PackFrame : Stream
    {
        private readonly Stream _pack;
        private readonly long _end;

        public PackFrame(Stream pack, long offset, long length)
        {
            (_pack, _end) = (pack, offset + length);
            pack.Position = offset;
        }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer) => _pack.Read(buffer[..(int)Math.Min(buffer.Length, _end - _pack.Position)]);

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
