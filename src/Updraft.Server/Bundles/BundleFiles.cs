using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Bundles;

/// <summary>Reads single files of a version, from its manifest and the packs. It does not decompress other files.</summary>
internal sealed class BundleFiles(UpdraftDbContext db, IBlobStore store)
{
    /// <summary>A longer content is verified while it is sent.</summary>
    private const int MaxInMemory = 1024 * 1024;

    /// <summary>Reads a version and the entries of its manifest; see <see cref="ReadEntriesAsync"/>.</summary>
    /// <exception cref="ApiException">404: the Deployment has no such version.</exception>
    public async Task<(BundleVersion Version, IEnumerable<ManifestEntry> Entries)> ReadVersionAsync(DeploymentId deployment, string version,
        CancellationToken cancellationToken)
    {
        var row = await db.BundleVersions.AsNoTracking()
            .SingleOrDefaultAsync(row => row.DeploymentId == deployment && row.Version == version, cancellationToken)
            ?? throw ApiException.NotFound("version", version);
        return (row, await ReadEntriesAsync(deployment, row.ManifestDigest, cancellationToken));
    }

    /// <summary>
    /// Reads the bytes of a manifest that exists in the Deployment, and verifies them. The result creates each entry when the caller
    /// reaches it, and may be enumerated again: a manifest of 100,000 files needs 12 MB as bytes, and several times that as entries.
    /// </summary>
    /// <exception cref="InvalidDataException">The stored manifest is damaged.</exception>
    /// <exception cref="FileNotFoundException">The store has lost the manifest.</exception>
    public async Task<IEnumerable<ManifestEntry>> ReadEntriesAsync(DeploymentId deployment, Digest digest,
        CancellationToken cancellationToken) =>
        Manifest.ReadEntries(await ReadBytesAsync(deployment, digest, cancellationToken));

    /// <summary>Reads a manifest that exists in the Deployment.</summary>
    /// <exception cref="InvalidDataException">The stored manifest is damaged.</exception>
    /// <exception cref="FileNotFoundException">The store has lost the manifest.</exception>
    public async Task<Manifest> ReadManifestAsync(DeploymentId deployment, Digest digest, CancellationToken cancellationToken) =>
        Manifest.Parse(await ReadBytesAsync(deployment, digest, cancellationToken));

    private async Task<byte[]> ReadBytesAsync(DeploymentId deployment, Digest digest, CancellationToken cancellationToken)
    {
        await using var blob = await store.OpenAsync(BundleBlobs.Manifest(deployment, digest), cancellationToken);
        var bytes = new byte[blob.Length];
        await blob.ReadExactlyAsync(bytes, cancellationToken);
        var actual = Digest.Of(bytes);
        return actual == digest
            ? bytes
            : throw new InvalidDataException($"The stored manifest {digest} of the Deployment {deployment} is damaged: "
                + $"it has the digest {actual}.");
    }

    /// <summary>Reads and verifies the content of a small file. The whole content is in memory.</summary>
    /// <exception cref="InvalidDataException">The content is damaged, or no pack holds it.</exception>
    public async Task<byte[]> ReadAsync(DeploymentId deployment, ManifestEntry file, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream(checked((int)file.Size));
        await CopyAsync(deployment, file, content, cancellationToken);
        return content.ToArray();
    }

    /// <summary>
    /// Copies the content of a file of any size, in constant memory. A small content is verified before its first byte. The last byte of a
    /// longer one follows only after the verification, so a receiver that knows the size never accepts a damaged content.
    /// </summary>
    /// <exception cref="InvalidDataException">The content is damaged, or no pack holds it.</exception>
    public async Task CopyToAsync(DeploymentId deployment, ManifestEntry file, Stream destination, CancellationToken cancellationToken)
    {
        if (file.Size <= MaxInMemory)
        {
            await destination.WriteAsync(await ReadAsync(deployment, file, cancellationToken), cancellationToken);
            return;
        }
        await using var frame = await OpenFrameAsync(deployment, file, cancellationToken);
        await PackReader.CopyVerifiedAsync(frame, file.Size, file.Content, destination, cancellationToken);
    }

    private async Task CopyAsync(DeploymentId deployment, ManifestEntry file, Stream destination, CancellationToken cancellationToken)
    {
        await using var frame = await OpenFrameAsync(deployment, file, cancellationToken);
        PackReader.CopyVerified(frame, file.Size, file.Content, destination);
    }

    private async Task<PackFrame> OpenFrameAsync(DeploymentId deployment, ManifestEntry file, CancellationToken cancellationToken)
    {
        var locations = await db.FindContentsAsync(deployment, [file.Content], cancellationToken);
        if (!locations.TryGetValue(file.Content, out var location))
            throw new InvalidDataException($"No pack of the Deployment {deployment} holds the content {file.Content}.");
        var pack = await store.OpenAsync(BundleBlobs.Pack(deployment, location.PackId), cancellationToken);
        return new PackFrame(pack, location.Offset, location.Length, leaveOpen: false);
    }
}
