using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Archives;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Storage;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Bundles;

/// <summary>An upload to turn into a bundle version.</summary>
/// <param name="Deployment">The Deployment of the bundle.</param>
/// <param name="Deploy">The deploy that the upload belongs to.</param>
/// <param name="Purpose">The bundle that the upload is for.</param>
/// <param name="Admit">Called in the transaction that records the version. It throws if the deploy no longer accepts uploads.</param>
internal sealed record IngestRequest(DeploymentId Deployment, DeployId Deploy, BundlePurpose Purpose,
    Func<UpdraftDbContext, CancellationToken, Task> Admit);

/// <summary>
/// Turns an uploaded archive into a bundle version:
/// <list type="number">
/// <item>Decompress the archive and check each entry (<see cref="ArchiveReader"/>).</item>
/// <item>Hash each file, skip contents that the Deployment has, and append the others to a pack (<see cref="PackBuilder"/>).</item>
/// <item>At the valid end of the archive, resolve its links and create the manifest (<see cref="ArchiveTree"/>).</item>
/// <item>Make pack and manifest durable.</item>
/// <item>In one transaction: check that the deploy still accepts uploads, then record the next version and the locations of its
/// contents.</item>
/// </list>
/// The version is invisible until the transaction commits. Memory depends on the number of files, not on their sizes.
/// </summary>
internal sealed class IngestBundle(UpdraftDbContext db, IBlobStore store, IOptions<ArchiveOptions> limits, TimeProvider clock)
{
    /// <summary>Reads the archive to its end and records it.</summary>
    /// <exception cref="ApiException">
    /// 400: the archive is invalid, or has unmounted files and the Deployment rejects them. 404: the Deployment is deleted. Exceptions of
    /// <c>Admit</c> pass through.
    /// </exception>
    public async Task<BundleVersion> RunAsync(IngestRequest request, Stream archive, CancellationToken cancellationToken)
    {
        using var span = Instrumentation.Begin("ingest")?.SetTag(Instrumentation.DeployTag, request.Deploy.Value);
        var packId = EntityId.New(clock);
        await using var pack = new PackBuilder(db, store, request.Deployment, packId);

        // 1, 2, 3
        var (manifest, leftOut) = await ReadAsync(archive, pack, cancellationToken);
        var warnings = UploadWarning.Find(manifest, leftOut, request.Purpose);

        // 4
        await pack.CompleteAsync(cancellationToken);
        var mayBeRecorded = false;
        try
        {
            await StoreAsync(request.Deployment, manifest, cancellationToken);

            // 5
            await using var write = await db.BeginWriteAsync(cancellationToken);
            var locked = await db.TryLockDeploymentAsync(request.Deployment, cancellationToken);
            await request.Admit(db, cancellationToken);
            var deployment = locked ?? throw ApiException.NotFound("Deployment", request.Deployment.Value);
            if (deployment.Settings.RejectUnmountedFiles && warnings.FirstOrDefault(IsUnmounted) is { } unmounted)
                throw Rejected(unmounted);
            var version = Create(request, manifest, warnings, pack.Entries.Count > 0 ? packId : null, deployment);
            db.BundleVersions.Add(version);
            await db.SaveChangesAsync(cancellationToken);
            await db.InsertContentsAsync(request.Deployment, packId, pack.Entries, cancellationToken);
            mayBeRecorded = true;
            await write.CommitAsync(cancellationToken);
            BundleMetrics.CountIngest(version, pack.Entries);
            span?.SetTag("updraft.files", version.Files).SetTag("updraft.bytes", version.Bytes)
                .SetTag("updraft.new_contents", pack.Entries.Count);
            return version;
        }
        catch when (!mayBeRecorded)
        {
            await DiscardAsync(request.Deployment, packId);
            throw;
        }
    }

    private async Task<(Manifest Manifest, PathSample LeftOut)> ReadAsync(Stream archive, PackBuilder pack, CancellationToken cancellationToken)
    {
        using var reader = new ArchiveReader(archive, limits.Value);
        while (await reader.NextFileAsync(cancellationToken) is { } file)
            await pack.AddAsync(file, reader, cancellationToken);
        return (reader.Tree.ToManifest(), reader.Tree.LeftOut);
    }

    private async Task StoreAsync(DeploymentId deployment, Manifest manifest, CancellationToken cancellationToken)
    {
        // Also if the manifest exists: this repairs a damaged one.
        await using var blob = await store.CreateAsync(BundleBlobs.Manifest(deployment, manifest.Digest), cancellationToken);
        blob.Content.Write(manifest.ToBytes());
        await blob.CommitAsync(cancellationToken);
    }

    private BundleVersion Create(IngestRequest request, Manifest manifest, IReadOnlyList<UploadWarning> warnings, string? packId,
        Deployment deployment)
    {
        var now = clock.GetUtcNow();
        return new BundleVersion
        {
            DeploymentId = request.Deployment,
            Version = deployment.NextVersion(now),
            DeployId = request.Deploy,
            Purpose = request.Purpose,
            ManifestDigest = manifest.Digest,
            PackId = packId,
            Files = manifest.FileCount,
            Bytes = manifest.TotalBytes,
            HasDagsFolder = UploadWarning.HasDagsDirectory(manifest),
            CreatedAt = now,
            Warnings = warnings.Count > 0 ? warnings : null,
        };
    }

    private static bool IsUnmounted(UploadWarning warning) => warning.Code == UploadWarning.UnmountedFiles;

    private static ApiException Rejected(UploadWarning unmounted) => new(ArchiveErrors.UnmountedFiles,
        $"{unmounted.Message} The setting 'rejectUnmountedFiles' of the Deployment rejects such archives.")
    {
        BlobErrorCode = "InvalidInput",
    };

    /// <summary>
    /// Deletes the pack, which no version names. The manifest stays: its key is its digest, and another upload of the same tree may
    /// record it.
    /// </summary>
    private async Task DiscardAsync(DeploymentId deployment, string packId)
    {
        try
        {
            await store.DeleteAsync(BundleBlobs.Pack(deployment, packId), CancellationToken.None);
        }
        catch (Exception exception) when (exception is IOException or BlobStoreException)
        {
            // The caller must get the exception that made the upload fail. A pack without a version only uses space.
        }
    }
}
