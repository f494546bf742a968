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
/// Makes an uploaded deploy the newest revision of its Deployment, in one short transaction.
/// <list type="number">
/// <item>For a type with an image: resolve the tag in the registry. Do it before the transaction, which must not wait for a network.</item>
/// <item>Lock the Deployment, read the deploy, check the caller.</item>
/// <item>By type: read the version field. It is absent, empty, or a version.</item>
/// <item>A repeated finalize with the same version changes nothing; another version is rejected.</item>
/// <item>Check the type against the Deployment as it is now, and that the version was uploaded through this deploy.</item>
/// <item>Append the revision: a copy of the newest one with the change of the deploy.</item>
/// <item>Mark the deploy, close its upload URL, delete the bundle if requested, record the event, commit.</item>
/// <item>Notify the agents that wait.</item>
/// </list>
/// </summary>
/// <exception cref="ApiException">
/// 400: the version, type or image is rejected, or the deploy was finalized with another version. 403: CI/CD is enforced. 404: no such
/// deploy. 503: the image registry does not respond.
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
        MountPath? mountPath = deploy.Type == DeployType.Bundle ? MountPath.Parse(deploy.BundleMountPath, options.Value.AirflowHome) : null;
        await db.CheckTargetAsync(deploymentId, deploy.DagBundleName, string.IsNullOrEmpty(version) ? null : mountPath, cancellationToken);
        var upload = string.IsNullOrEmpty(version) ? null : await FindUploadAsync(deploy, version, cancellationToken);

        // 6
        var newest = await db.NewestRevisionAsync(deployment, cancellationToken);
        var now = clock.GetUtcNow();
        if (image is not null)
        {
            deployment.CheckRuntime(image);
            await db.PinImageAsync(deploymentId, image, now, cancellationToken);
            (deployment.RuntimeVersion, deployment.AirflowVersion) = (image.RuntimeVersion, image.AirflowVersion);
        }
        var revision = Revision.After(newest, deployment, deployId, now, Image(deploy, image, newest), deploy.IsDagDeployEnabled,
            Change(deploy, mountPath, upload, newest));
        await append.RunAsync(deployment, newest, revision, subject.Profile, cancellationToken);

        // 7
        deploy.Commit(revision.Number, version, now, subject.Profile);
        foreach (var slot in await db.UploadSlots.Where(row => row.DeployId == deployId).ToListAsync(cancellationToken))
            slot.ClosedAt = now;
        if (mountPath is { } removed && upload is null)
            await DeleteBundleAsync(removed, newest, revision, subject.Profile, cancellationToken);
        events.Record(EventTypes.DeployFinalized, subject.Profile, deployment, deploy);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);

        // 8
        signal.Announce(deploymentId);
        DeployMetrics.Count(deploy);
        span?.SetTag(Instrumentation.RevisionTag, revision.Number);
    }

    /// <summary>
    /// The image under the deploy's tag. Null for a type without an image, and for a deploy that is already finalized: later pushes to its
    /// tag do not change it. Checks that need no registry come first.
    /// </summary>
    private async Task<ResolvedImage?> FindImageAsync(Subject subject, DeploymentId deploymentId, DeployId deployId,
        FinalizeDeployRequest request, CancellationToken cancellationToken)
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
        return await resolveImage.RunAsync(new(deployment.OrganizationId, deploymentId), deploy.ImageRepository, deploy.ImageTag,
            cancellationToken);
    }

    /// <summary>
    /// The version that matters for the type; empty removes the bundle, null keeps it. The setting as stored in the deploy decides, because
    /// the client built archive and image for that setting.
    /// </summary>
    private static string? NamedVersion(Deploy deploy, FinalizeDeployRequest request) => deploy switch
    {
        { Type: DeployType.DagOnly } => string.IsNullOrEmpty(request.DagTarballVersion)
            ? throw Required("dagTarballVersion", "")
            : request.DagTarballVersion,
        { Type: DeployType.ImageAndDag, IsDagDeployEnabled: true } =>
            request.DagTarballVersion ?? throw Required("dagTarballVersion", " An empty value removes the DAGs."),
        // The image contains the DAGs, so the deploy has no upload.
        { Type: DeployType.ImageAndDag } => string.IsNullOrEmpty(request.DagTarballVersion)
            ? null
            : throw NotUploaded(request.DagTarballVersion),
        // Clients send an empty version, which has no meaning for this type.
        { Type: DeployType.ImageOnly } => null,
        _ => request.BundleTarballVersion ?? throw Required("bundleTarballVersion", " An empty value removes the bundle."),
    };

    private static void CheckRepetition(Deploy deploy, string? version)
    {
        if (deploy.RollbackFromId is not null)
            throw new ApiException(DeployErrors.AlreadyFinalized,
                $"Deploy '{deploy.Id}' is a rollback; rollbacks are finalized automatically.");
        if (deploy.Status != DeployStatus.Deployed)
            throw new ApiException(DeployErrors.DeployFailed, $"Deploy '{deploy.Id}' has failed; create a new deploy.");
        if (deploy.FinalizedVersion != version)
            throw new ApiException(DeployErrors.AlreadyFinalized, $"Deploy '{deploy.Id}' was already finalized with "
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

    private static ImageReference Image(Deploy deploy, ResolvedImage? image, Revision? newest) => deploy.Type.HasImage()
        ? new(deploy.ImageRepository, deploy.ImageTag, image?.Digest)
        : newest?.Image ?? new(deploy.ImageRepository, "");

    /// <summary>The change of the mounts; null if all stay.</summary>
    private MountChange? Change(Deploy deploy, MountPath? mountPath, BundleVersion? upload, Revision? newest)
    {
        IReadOnlyList<RevisionMount> before = newest?.Mounts ?? [];
        if (deploy.Type == DeployType.ImageOnly)
        {
            DeployRules.CheckDags(deploy.Type, newest);
            return null;
        }
        if (mountPath is { } place)
        {
            place.CheckAgainst(upload is null ? [] : before.Where(mount => mount.Path != place.Path).Select(mount => mount.MountPath));
            return new(place.Path, upload is null ? null : Mount(upload, deploy.BundleType!, place.Path, null));
        }
        var path = Bundle.PathOf(deploy.DagBundleName);
        // The archive of a DAG bundle contains either a directory 'dags' or the files themselves. The upload has warned about files next
        // to the directory.
        var dags = upload is null ? null
            : Mount(upload, RevisionMount.DagBundleType, path, upload.HasDagsFolder ? Bundle.MainPath : null);
        // An image that contains the DAGs replaces all DAG bundles.
        return new(path, dags) { RemovesDags = !deploy.IsDagDeployEnabled };
    }

    /// <summary>
    /// Marks the row of a removed bundle as deleted. A bundle that was never deployed has no mount; an unknown one has no row.
    /// </summary>
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

    private static ApiException Required(string field, string hint) => ApiException.BadRequest(
        $"The field '{field}' is required: the version from the header 'x-ms-version-id' of the upload response.{hint}");

    private static ApiException NotUploaded(string version) => new(DeployErrors.VersionNotUploaded,
        $"The version '{ApiException.Shorten(version)}' was not uploaded through this deploy.");
}
