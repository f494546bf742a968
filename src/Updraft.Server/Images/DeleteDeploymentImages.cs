using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Deployments;

namespace Updraft.Server.Images;

/// <summary>The images that the deploys of a Deployment need.</summary>
/// <param name="Digests">Images of revisions that are current, or that a rollback can restore.</param>
/// <param name="OpenTags">Tags of deploys that are not finalized yet.</param>
internal sealed record NeededImages(IReadOnlySet<string> Digests, IReadOnlyList<string> OpenTags);

/// <summary>
/// Reads the needed images, without revisions that were replaced, and deploys that were created, before a time. A delegate, because Deploys
/// are built on Images; Deploys registers it.
/// </summary>
internal delegate Task<NeededImages> ReadNeededImages(DeploymentId deployment, DateTimeOffset since, CancellationToken cancellationToken);

/// <summary>
/// Deletes the old images of one Deployment:
/// <list type="number">
/// <item>Read from the registry which images the tags of unfinalized deploys name.</item>
/// <item>In a transaction, mark the images that no revision needs. From now on, no rollback and no finalize uses them.</item>
/// <item>Delete the marked images in the registry, an index before its parts. Parts that another image shares stay.</item>
/// <item>Record that the registry deleted them.</item>
/// </list>
/// So a revision never names an image that is being deleted. After a crash between the second and the fourth step, the marks remain. A
/// later round then deletes the images again, which does no harm: a finalize of the same image removes the mark.
/// </summary>
internal sealed class DeleteDeploymentImages(UpdraftDbContext db, RegistryClient registry, ReadNeededImages readNeededImages,
    IOptions<ImageOptions> options, TimeProvider clock, ILogger<DeleteDeploymentImages> log)
{
    /// <summary>The Deployments that may have images to delete.</summary>
    public Task<List<DeploymentId>> ListDeploymentsAsync(CancellationToken cancellationToken) =>
        FindOld(clock.GetUtcNow()).Select(row => row.DeploymentId).Distinct().OrderBy(id => id).ToListAsync(cancellationToken);

    /// <returns>False if the registry rejects deletions.</returns>
    public async Task<bool> RunAsync(DeploymentId id, CancellationToken cancellationToken)
    {
        var since = clock.GetUtcNow() - options.Value.KeepFor;
        var deployment = await db.Deployments.AsNoTracking().SingleAsync(row => row.Id == id, cancellationToken);
        var repository = new RegistryRepository(deployment.OrganizationId, id);

        // 1
        HashSet<string> open = new(StringComparer.Ordinal);
        foreach (var tag in (await readNeededImages(id, since, cancellationToken)).OpenTags)
            open.UnionWith(await ReadManifestsAsync(repository, tag, cancellationToken));

        // 2
        List<Image> marked;
        HashSet<string> kept;
        var began = clock.GetTimestamp();
        await using (var write = await db.BeginWriteAsync(cancellationToken))
        {
            var now = clock.GetUtcNow();
            // A deleted Deployment gets no new revision, so it needs no lock.
            if (deployment.DeletedAt is null)
                await db.LockDeploymentAsync(id, cancellationToken);
            var digests = deployment.DeletedAt < since
                ? new HashSet<string>(StringComparer.Ordinal) : (await readNeededImages(id, since, cancellationToken)).Digests;
            marked = await FindOld(now).Where(row => row.DeploymentId == id).ToListAsync(cancellationToken);
            marked.RemoveAll(row => row.DeletedAt is null && (digests.Contains(row.Digest) || open.Contains(row.Digest)));
            foreach (var image in marked)
                image.Delete(now);
            var live = await db.Images.Where(row => row.DeploymentId == id).ToListAsync(cancellationToken);
            kept = [.. open, .. live.Where(row => row.DeletedAt is null).SelectMany(row => row.Manifests)];
            await db.SaveChangesAsync(cancellationToken);
            await write.CommitAsync(cancellationToken);
        }

        foreach (var image in marked)
        {
            // 3
            foreach (var digest in image.Manifests.Where(digest => !kept.Contains(digest)))
            {
                // A mark blocks a finalize only for a limited time. The remaining images stay marked, and the next round renews their
                // marks.
                if (clock.GetElapsedTime(began) > Image.DeletionTimeout / 2)
                    return true;
                if (await registry.DeleteManifestAsync(repository, digest, cancellationToken))
                    continue;
                await SaveAsync(marked.FindAll(row => row.GoneAt is null), row => row.Restore(), cancellationToken);
                return false;
            }

            // 4
            await SaveAsync([image], row => row.MarkDeleted(clock.GetUtcNow()), cancellationToken);
            log.LogInformation("Deleted image {Digest} of {Deployment}, which was last deployed at {PinnedAt}.", image.Digest, id,
                image.PinnedAt);
        }
        return true;
    }

    private async Task SaveAsync(List<Image> images, Action<Image> change, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        // A write transaction starts with an empty change tracker.
        db.Images.AttachRange(images);
        images.ForEach(change);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    /// <summary>Images that were last deployed before the retention period, without those that another round is deleting now.</summary>
    private IQueryable<Image> FindOld(DateTimeOffset now)
    {
        var (since, timedOut) = (now - options.Value.KeepFor, now - Image.DeletionTimeout);
        return db.Images.Where(row => row.GoneAt == null && row.PinnedAt < since && (row.DeletedAt == null || row.DeletedAt < timedOut));
    }

    /// <summary>The digests of a tag's manifest and its parts; none if the tag was not pushed.</summary>
    private async Task<IEnumerable<string>> ReadManifestsAsync(RegistryRepository repository, string tag,
        CancellationToken cancellationToken)
    {
        if (await registry.GetManifestAsync(repository, tag, cancellationToken) is not { } manifest)
            return [];
        return [manifest.Digest, .. ResolveImage.PartsOf(manifest)];
    }
}
