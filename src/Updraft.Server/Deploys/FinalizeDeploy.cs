using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;
using Updraft.Server.Telemetry;
using Updraft.Server.Uploads;

namespace Updraft.Server.Deploys;

/// <summary>
/// Makes a deploy what the Deployment is to run: one short transaction that appends a revision.
/// <list type="number">
/// <item>For a deploy with an image: look it up in the registry, before the transaction, which waits for no network.</item>
/// <item>Lock the Deployment, find the deploy, see that the caller may.</item>
/// <item>Branch on the type: what does the version field, absent, empty or a version, mean here?</item>
/// <item>A repeated finalize: the same version changes nothing, another one is refused.</item>
/// <item>Check the type against the Deployment as it is now, and that a version was uploaded through this very deploy.</item>
/// <item>Append the revision: a copy of the newest one with the deploy's change.</item>
/// <item>Mark the deploy, close its upload address, delete the bundle if that was asked for; write down the event; commit.</item>
/// <item>Wake the agents that wait.</item>
/// </list>
/// </summary>
/// <exception cref="ApiException">
/// 400: the version, the type, the image, or already finalized with another version. 403: CI/CD is enforced. 404: no such deploy. 503: the
/// image registry does not answer.
/// </exception>
internal sealed class FinalizeDeploy(UpdraftDbContext db, TimeProvider clock, IOptions<ServerOptions> options, AppendRevision append,
    RevisionSignal signal, RegistryClient registry, ResolveImage resolveImage, EventLog events)
{
    public async Task RunAsync(Subject subject, DeploymentId deploymentId, DeployId deployId, FinalizeDeployRequest request,
        CancellationToken cancellationToken)
    {
        using var span = Instrumentation.Begin("finalize")?.SetTag(Instrumentation.DeployTag, deployId.Value);
        // 1
        var image = registry.IsConfigured ? await FindImageAsync(subject, deploymentId, deployId, request, cancellationToken) : null;

        // 2
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(deploymentId, cancellationToken);
        var deploy = await db.Deploys.SingleOrDefaultAsync(row => row.Id == deployId && row.DeploymentId == deploymentId, cancellationToken)
            ?? throw DeployRules.NotFound(deployId);
        deployment.CheckCicd(subject);

        // 3
        var version = NamedVersion(deploy, request);

        // 4
        if (deploy.Status != DeployStatus.Initialized)
        {
            CheckRepetition(deploy, version);
            return;
        }

        // 5
        deployment.CheckType(deploy.Type);
        MountPath? mount = deploy.Type == DeployType.Bundle ? MountPath.Parse(deploy.BundleMountPath, options.Value.AirflowHome) : null;
        await db.CheckTargetAsync(deploymentId, deploy.DagBundleName, string.IsNullOrEmpty(version) ? null : mount, cancellationToken);
        var upload = string.IsNullOrEmpty(version) ? null : await FindUploadAsync(deploy, version, cancellationToken);

        // 6
        var newest = await db.Revisions.AsNoTracking()
            .SingleOrDefaultAsync(row => row.DeploymentId == deploymentId && row.Number == deployment.Revision, cancellationToken);
        var now = clock.GetUtcNow();
        var bringsImage = deploy.Type.HasImage();
        if (image is not null)
        {
            deployment.CheckRuntime(image);
            await db.PinImageAsync(deploymentId, image, now, cancellationToken);
            (deployment.RuntimeVersion, deployment.AirflowVersion) = (image.RuntimeVersion, image.AirflowVersion);
        }
        var revision = new Revision
        {
            DeploymentId = deploymentId,
            Number = deployment.NextRevision(),
            DeployId = deployId,
            ImageRepository = bringsImage || newest is null ? deploy.ImageRepository : newest.ImageRepository,
            ImageTag = bringsImage ? deploy.ImageTag : newest?.ImageTag ?? "",
            ImageDigest = bringsImage ? image?.Digest : newest?.ImageDigest,
            RuntimeVersion = deployment.RuntimeVersion,
            AirflowVersion = deployment.AirflowVersion,
            IsDagDeployEnabled = deploy.IsDagDeployEnabled,
            Mounts = Mounts(deploy, mount, upload, newest),
            CreatedAt = now,
        };
        await append.RunAsync(deployment, newest, revision, subject.Profile, cancellationToken);

        // 7
        deploy.Commit(revision.Number, version, now, subject.Profile);
        foreach (var slot in await db.UploadSlots.Where(row => row.DeployId == deployId).ToListAsync(cancellationToken))
            slot.ClosedAt = now;
        if (mount is { } place && upload is null)
            await DeleteBundleAsync(place, newest, revision, subject.Profile, cancellationToken);
        events.Record(EventTypes.DeployFinalized, subject.Profile, deployment, deploy);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);

        // 8
        signal.Announce(deploymentId);
        DeployMetrics.Count(deploy);
        span?.SetTag(Instrumentation.RevisionTag, revision.Number);
    }

    /// <summary>
    /// What the deploy's tag is now; null when it brings no image, and when it was finalized already: what it deployed then stays, whatever
    /// became of the tag. What can be refused without the registry is refused first.
    /// </summary>
    private async Task<ResolvedImage?> FindImageAsync(Subject subject, DeploymentId deploymentId, DeployId deployId, FinalizeDeployRequest request,
        CancellationToken cancellationToken)
    {
        var deploy = await db.Deploys.AsNoTracking()
            .SingleOrDefaultAsync(row => row.Id == deployId && row.DeploymentId == deploymentId, cancellationToken);
        var deployment = await db.Deployments.AsNoTracking()
            .SingleOrDefaultAsync(row => row.Id == deploymentId && row.DeletedAt == null, cancellationToken);
        if (deployment is null || deploy is not { Status: DeployStatus.Initialized } || !deploy.Type.HasImage())
            return null;
        deployment.CheckCicd(subject);
        deployment.CheckType(deploy.Type);
        if (NamedVersion(deploy, request) is { Length: > 0 } version)
            await FindUploadAsync(deploy, version, cancellationToken);
        return await resolveImage.RunAsync(new(deployment.OrganizationId, deploymentId), deploy.ImageRepository, deploy.ImageTag, cancellationToken);
    }

    /// <summary>
    /// The version that counts for the type: a version, empty for "remove it", null for "leave it alone". The deploy's own
    /// snapshot of the setting decides, since the client built its archive and its image by it.
    /// </summary>
    private static string? NamedVersion(Deploy deploy, FinalizeDeployRequest request) => deploy switch
    {
        { Type: DeployType.DagOnly } => string.IsNullOrEmpty(request.DagTarballVersion)
            ? throw Needed("dagTarballVersion", "")
            : request.DagTarballVersion,
        { Type: DeployType.ImageAndDag, IsDagDeployEnabled: true } =>
            request.DagTarballVersion ?? throw Needed("dagTarballVersion", ", or is empty to remove the DAGs"),
        // The image brings the DAGs, so there is nothing that could have been uploaded.
        { Type: DeployType.ImageAndDag } => string.IsNullOrEmpty(request.DagTarballVersion)
            ? null
            : throw NotUploaded(request.DagTarballVersion),
        // Clients send an empty version along, and it means nothing.
        { Type: DeployType.ImageOnly } => null,
        _ => request.BundleTarballVersion ?? throw Needed("bundleTarballVersion", ", or is empty to remove the bundle"),
    };

    private static void CheckRepetition(Deploy deploy, string? version)
    {
        if (deploy.RollbackFromId is not null)
            throw ApiException.BadRequest($"Deploy '{deploy.Id}' is a rollback, which is finished when it is made.");
        if (deploy.Status != DeployStatus.Deployed)
            throw ApiException.BadRequest($"Deploy '{deploy.Id}' has failed; create a new deploy.");
        if (deploy.FinalizedVersion != version)
            throw ApiException.BadRequest($"Deploy '{deploy.Id}' was already finalized with "
                + (string.IsNullOrEmpty(deploy.FinalizedVersion) ? "no version" : $"version '{deploy.FinalizedVersion}'")
                + "; create a new deploy.");
    }

    private async Task<BundleVersion> FindUploadAsync(Deploy deploy, string version, CancellationToken cancellationToken)
    {
        var (deploymentId, deployId, purpose) = (deploy.DeploymentId, deploy.Id, deploy.Upload);
        return await db.BundleVersions.AsNoTracking().SingleOrDefaultAsync(row => row.DeploymentId == deploymentId
            && row.Version == version && row.DeployId == deployId && row.Purpose == purpose, cancellationToken)
            ?? throw NotUploaded(version);
    }

    private List<RevisionMount> Mounts(Deploy deploy, MountPath? mount, BundleVersion? upload, Revision? newest)
    {
        IReadOnlyList<RevisionMount> before = newest?.Mounts ?? [];
        if (deploy.Type == DeployType.ImageOnly)
        {
            return before.Any(other => other.IsDag) ? [.. before] : throw ApiException.BadRequest(
                "An IMAGE_ONLY deploy keeps the deployed DAGs, and there are none; deploy DAGs first.");
        }
        if (mount is { } place)
        {
            List<RevisionMount> others = [.. before.Where(other => other.Path != place.Path)];
            place.CheckAgainst(upload is null ? [] : others.Select(other => other.MountPath));
            return upload is null ? others : Complete([.. others, Mount(upload, deploy.BundleType!, place.Path, null)]);
        }
        var path = Bundle.PathOf(deploy.DagBundleName);
        // An image that brings the DAGs leaves no DAG bundle beside it.
        List<RevisionMount> bundles = [.. before.Where(other => deploy.IsDagDeployEnabled ? other.Path != path : !other.IsDag)];
        if (upload is null)
            return bundles;
        // A DAG bundle's archive holds either a folder dags or the files themselves.
        var dags = Mount(upload, RevisionMount.DagBundleType, path, upload.HasDagsFolder ? Bundle.MainPath : null);
        return Complete(path == Bundle.MainPath ? [dags, .. bundles] : [.. bundles, dags]);
    }

    private static List<RevisionMount> Complete(List<RevisionMount> mounts) => mounts.Count <= Bundle.MaxCount
        ? mounts
        : throw ApiException.BadRequest($"A Deployment has at most {Bundle.MaxCount} bundles; delete one first.");

    /// <summary>The bundle's row goes with its mount. It may have no row, or not be mounted.</summary>
    private async Task DeleteBundleAsync(MountPath mount, Revision? newest, Revision revision, SubjectProfile by,
        CancellationToken cancellationToken)
    {
        var (deployment, path) = (revision.DeploymentId, mount.Path);
        if (await db.LiveBundles(deployment).SingleOrDefaultAsync(row => row.Path == path, cancellationToken) is { } bundle)
            bundle.Delete(newest?.MountAt(path) is null ? null : revision.Number, revision.CreatedAt, by);
    }

    private RevisionMount Mount(BundleVersion upload, string bundleType, string path, string? subfolder) => new()
    {
        BundleType = bundleType,
        MountPath = $"{options.Value.AirflowHome}/{path}",
        Path = path,
        Version = upload.Version,
        Manifest = upload.ManifestDigest.ToString(),
        Subfolder = subfolder,
        Files = upload.Files,
        Bytes = upload.Bytes,
        DeployId = upload.DeployId.Value,
    };

    private static ApiException Needed(string field, string or) => ApiException.BadRequest(
        $"The field '{field}' is required: it names the version that the upload answered with in x-ms-version-id{or}.");

    private static ApiException NotUploaded(string version) =>
        ApiException.BadRequest($"The version '{ApiException.Shorten(version)}' was not uploaded through this deploy.");
}
