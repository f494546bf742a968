using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Bundles;

/// <summary>Reads single files of a version, from its manifest and the packs. It does not decompress other files.</summary>
internal sealed class BundleFiles(UpdraftDbContext db, IBlobStore store)
{
    private const int MaxInMemory = 1024 * 1024;

    /// <summary>Reads a version and its manifest.</summary>
    /// <exception cref="ApiException">404: the Deployment has no such version.</exception>
    public async Task<(BundleVersion Version, Manifest Manifest)> ReadVersionAsync(DeploymentId deployment, string version,
        CancellationToken cancellationToken)
    {
        var row = await db.BundleVersions.AsNoTracking()
            .SingleOrDefaultAsync(row => row.DeploymentId == deployment && row.Version == version, cancellationToken)
            ?? throw ApiException.NotFound("version", version);
        return (row, await ReadManifestAsync(deployment, row.ManifestDigest, cancellationToken));
    }

    /// <summary>Reads a manifest that exists in the Deployment.</summary>
    /// <exception cref="InvalidDataException">The stored manifest is damaged.</exception>
    /// <exception cref="FileNotFoundException">The store has lost the manifest.</exception>
    public async Task<Manifest> ReadManifestAsync(DeploymentId deployment, Digest digest, CancellationToken cancellationToken)
    {
        await using var blob = await store.OpenAsync(BundleBlobs.Manifest(deployment, digest), cancellationToken);
        var bytes = new byte[blob.Length];
        await blob.ReadExactlyAsync(bytes, cancellationToken);
        var manifest = Manifest.Parse(bytes);
        return manifest.Digest == digest
            ? manifest
            : throw new InvalidDataException($"The stored manifest {digest} of the Deployment {deployment} is damaged: "
                + $"it has the digest {manifest.Digest}.");
    }

    /// <summary>Reads and verifies the content of a small file. The whole content is in memory.</summary>
    /// <exception cref="InvalidDataException">The content is damaged, or no pack holds it.</exception>
    public async Task<byte[]> ReadAsync(DeploymentId deployment, ManifestEntry file, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream(checked((int)file.Size));
        await CopyAsync(deployment, file, content, cancellationToken);
        return content.ToArray();
    }

    /// <summary>Opens the content of a file of any size. The whole content is verified before this method returns.</summary>
    /// <exception cref="InvalidDataException">The content is damaged, or no pack holds it.</exception>
    public async Task<Stream> OpenAsync(DeploymentId deployment, ManifestEntry file, CancellationToken cancellationToken)
    {
        Stream content = file.Size <= MaxInMemory ? new MemoryStream((int)file.Size)
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
        var locations = await db.FindContentsAsync(deployment, [file.Content], cancellationToken);
        if (!locations.TryGetValue(file.Content, out var location))
            throw new InvalidDataException($"No pack of the Deployment {deployment} holds the content {file.Content}.");
        await using var pack = await store.OpenAsync(BundleBlobs.Pack(deployment, location.PackId), cancellationToken);
        await using var frame = new PackFrame(pack, location.Offset, location.Length);
        PackReader.CopyVerified(frame, file.Size, file.Content, destination);
    }
}
