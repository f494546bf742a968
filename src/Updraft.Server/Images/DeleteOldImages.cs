using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Images;

/// <summary>What a Deployment's deploys need of its images.</summary>
/// <param name="Digests">Images of revisions that may be gone back to.</param>
/// <param name="OpenTags">Tags of deploys that may yet be finalized.</param>
internal sealed record NeededImages(IReadOnlySet<string> Digests, IReadOnlyList<string> OpenTags);

/// <summary>
/// Reads what is needed, with revisions that were replaced, and deploys that were created, before a time left out. A delegate, because
/// deploys are built on images and not the other way round.
/// </summary>
internal delegate Task<NeededImages> ReadNeededImages(DeploymentId deployment, DateTimeOffset since, CancellationToken cancellationToken);

/// <summary>
/// Deletes images that nobody can need any more, at the start and every hour; of several servers the one that leads does it.
/// <list type="number">
/// <item>Ask the registry what the tags of unfinished deploys are.</item>
/// <item>In a transaction: see which images no revision needs, and mark them. From now on no rollback goes to them, and no finalize
/// takes them up.</item>
/// <item>Delete them in the registry, an index before its parts; parts that another image has too stay.</item>
/// <item>Note that they are gone.</item>
/// </list>
/// So a revision never names what is being deleted. Whoever is killed after the second step leaves a mark, and a later round deletes again,
/// which does no harm: a finalize of the same image takes the mark away.
/// </summary>
internal sealed class DeleteOldImages(LeaderElection lead, IServiceScopeFactory scopes, IOptions<ImageOptions> options, TimeProvider clock,
    ILogger<DeleteOldImages> log) : HourlyWork(lead, clock, log, WorkName)
{
    /// <summary>Value of the metric label <c>work</c>.</summary>
    public const string WorkName = "delete_old_images";

    private bool _saidThatNothingIsDeleted;

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.Registry is null)
        {
            Log.LogWarning("Images:RegistryUrl is not set: the tags of image deploys are recorded as clients name them, whether or not "
                + "they were pushed, and old images are not deleted.");
        }
        return options.Value.Registry is null || options.Value.KeepFor == TimeSpan.Zero ? Task.CompletedTask : base.ExecuteAsync(stoppingToken);
    }

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        List<DeploymentId> deployments;
        await using (var scope = scopes.CreateAsyncScope())
        {
            var old = Old(scope.ServiceProvider.GetRequiredService<UpdraftDbContext>(), Clock.GetUtcNow());
            deployments = await old.Select(row => row.DeploymentId).Distinct().OrderBy(id => id).ToListAsync(cancellationToken);
        }
        foreach (var deployment in deployments)
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                if (!await RunAsync(scope.ServiceProvider, deployment, cancellationToken))
                    return;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                // One repository that the registry cannot read keeps no other from being cleared; the next round tries again.
                Log.LogWarning(exception, "Old images of {Deployment} could not be deleted.", deployment);
            }
        }
    }

    /// <summary>False when the registry deletes nothing.</summary>
    private async Task<bool> RunAsync(IServiceProvider services, DeploymentId id, CancellationToken cancellationToken)
    {
        var (db, registry) = (services.GetRequiredService<UpdraftDbContext>(), services.GetRequiredService<RegistryClient>());
        var needed = services.GetRequiredService<ReadNeededImages>();
        var since = Clock.GetUtcNow() - options.Value.KeepFor;
        var deployment = await db.Deployments.AsNoTracking().SingleAsync(row => row.Id == id, cancellationToken);
        var place = new RegistryRepository(deployment.OrganizationId, id);

        // 1
        HashSet<string> open = new(StringComparer.Ordinal);
        foreach (var tag in (await needed(id, since, cancellationToken)).OpenTags)
            open.UnionWith(await ManifestsAsync(registry, place, tag, cancellationToken));

        // 2
        List<Image> doomed;
        HashSet<string> kept;
        var began = Clock.GetTimestamp();
        await using (var write = await db.BeginWriteAsync(cancellationToken))
        {
            var now = Clock.GetUtcNow();
            // A deleted one moves no more.
            if (deployment.DeletedAt is null)
                await db.LockDeploymentAsync(id, cancellationToken);
            var digests = deployment.DeletedAt < since ? new HashSet<string>(StringComparer.Ordinal) : (await needed(id, since, cancellationToken)).Digests;
            doomed = await Old(db, now).Where(row => row.DeploymentId == id).ToListAsync(cancellationToken);
            doomed.RemoveAll(row => row.DeletedAt is null && (digests.Contains(row.Digest) || open.Contains(row.Digest)));
            foreach (var image in doomed)
                image.Delete(now);
            var live = await db.Images.Where(row => row.DeploymentId == id).ToListAsync(cancellationToken);
            kept = [.. open, .. live.Where(row => row.DeletedAt is null).SelectMany(row => row.Manifests)];
            await db.SaveChangesAsync(cancellationToken);
            await write.CommitAsync(cancellationToken);
        }

        foreach (var image in doomed)
        {
            // 3
            foreach (var digest in image.Manifests.Where(digest => !kept.Contains(digest)))
            {
                // A mark holds off a finalize for so long and no longer. What is left stays marked, and the next round renews it.
                if (Clock.GetElapsedTime(began) > Image.DeletionTakes / 2)
                    return true;
                if (await registry.DeleteManifestAsync(place, digest, cancellationToken))
                    continue;
                await NoteAsync(db, doomed.FindAll(row => row.GoneAt is null), row => row.Revive(), cancellationToken);
                LogNothingDeleted();
                return false;
            }

            // 4
            await NoteAsync(db, [image], row => row.MarkDeleted(Clock.GetUtcNow()), cancellationToken);
            Log.LogInformation("Image {Digest} of {Deployment}, deployed last at {PinnedAt}, was deleted", image.Digest, id, image.PinnedAt);
        }
        return true;
    }

    private static async Task NoteAsync(UpdraftDbContext db, List<Image> images, Action<Image> change, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        // The beginning of a write forgets what was read before it.
        db.Images.AttachRange(images);
        images.ForEach(change);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    private void LogNothingDeleted()
    {
        if (_saidThatNothingIsDeleted)
            return;
        _saidThatNothingIsDeleted = true;
        Log.LogWarning("The registry deletes nothing, so old images stay: set storage.delete.enabled to true in its configuration, or "
            + "Images:KeepFor to 0 to keep all.");
    }

    /// <summary>Deployed last before the time that images are kept, or marked by a round that was broken off.</summary>
    private IQueryable<Image> Old(UpdraftDbContext db, DateTimeOffset now)
    {
        var (since, brokenOff) = (now - options.Value.KeepFor, now - Image.DeletionTakes);
        return db.Images.Where(row => row.GoneAt == null && row.PinnedAt < since && (row.DeletedAt == null || row.DeletedAt < brokenOff));
    }

    /// <summary>A tag's manifest and its parts; none when the tag was not pushed.</summary>
    private static async Task<IEnumerable<string>> ManifestsAsync(RegistryClient registry, RegistryRepository place, string tag,
        CancellationToken cancellationToken)
    {
        if (await registry.GetManifestAsync(place, tag, cancellationToken) is not { } answer)
            return [];
        return [answer.Digest, .. ResolveImage.PartsOf(answer)];
    }
}
