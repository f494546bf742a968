using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys.Bundles;

/// <summary>Rolls one bundle back to an earlier version with a new deploy; other bundles stay.</summary>
/// <exception cref="ApiException">
/// 400: the bundle never had that version, or was deleted; DAG deploys are disabled. 403: CI/CD is enforced. 404: no such bundle.
/// </exception>
internal sealed class RollBackBundle(UpdraftDbContext db, IOptions<ServerOptions> options, EnsureBundles ensureBundles, ChangeBundle change,
    RevisionSignal signal)
{
    private const int MaxVersion = 256;

    public async Task RunAsync(Subject subject, DeploymentId deploymentId, BundleId id, BundleRollbackRequest request,
        CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(request.Version))
            throw ApiException.BadRequest("The field 'version' is required: a version from the version history of the bundle.");
        TextLimit.Check(request.Version, "version", MaxVersion);
        TextLimit.Check(request.Description, "description", TextLimit.Description);

        await ensureBundles.CompleteAsync(deploymentId, cancellationToken);
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(deploymentId, cancellationToken);
        var bundle = await UpdateBundle.FindAsync(db, deploymentId, id, cancellationToken);
        deployment.CheckCicd(subject);
        deployment.CheckType(bundle.IsDag ? DeployType.DagOnly : DeployType.Bundle);
        var move = await db.BundleMoves.AsNoTracking().Where(row => row.BundleId == id && row.Version == request.Version)
            .OrderByDescending(row => row.Revision).FirstOrDefaultAsync(cancellationToken)
            ?? throw new ApiException(BundleErrors.UnknownBundleVersion,
                $"The bundle never had the version '{ApiException.Shorten(request.Version)}'; choose one from its version history.");
        var revision = await db.Revisions.AsNoTracking()
            .SingleAsync(row => row.DeploymentId == deploymentId && row.Number == move.Revision, cancellationToken);
        if (!bundle.IsDag)
            await db.CheckTargetAsync(deploymentId, null, MountPath.Parse(bundle.MountPath, options.Value.AirflowHome), cancellationToken);

        var mount = revision.MountAt(bundle.Path)!;
        await change.RunAsync(subject, deployment, bundle, mount, request.Description, move.DeployId, cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);

        signal.Announce(deploymentId);
    }
}
