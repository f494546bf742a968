using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys.Bundles;

/// <summary>
/// Deletes a bundle with a deploy whose revision does not contain it; agents then remove it. A second deletion changes nothing. A rollback
/// to a deploy with the bundle restores it.
/// </summary>
/// <exception cref="ApiException">
/// 400: the default DAG bundle, or the only DAG bundle of a non-DAG bundle. 403: CI/CD is enforced. 404: no such bundle.
/// </exception>
internal sealed class DeleteBundle(UpdraftDbContext db, TimeProvider clock, EnsureBundles ensureBundles, ChangeBundle change,
    RevisionSignal signal, EventLog events)
{
    public async Task RunAsync(Subject subject, DeploymentId deploymentId, BundleId id, CancellationToken cancellationToken)
    {
        await ensureBundles.CompleteAsync(deploymentId, cancellationToken);
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(deploymentId, cancellationToken);
        var bundle = await db.Bundles.SingleOrDefaultAsync(row => row.Id == id && row.DeploymentId == deploymentId, cancellationToken)
            ?? throw BundleQueries.NotFound(id);
        deployment.CheckCicd(subject);
        if (bundle.DeletedAt is not null)
            return;
        if (bundle.IsDefault)
            throw new ApiException(BundleErrors.DefaultBundle, $"The DAG bundle '{Bundle.Main}' is the default one and cannot be deleted.");
        if (bundle.IsDag)
            await DetachAsync(deploymentId, bundle, cancellationToken);

        var newest = await db.NewestRevisionAsync(deployment, cancellationToken);
        var deploy = newest?.MountAt(bundle.Path) is not null
            ? await change.RunAsync(subject, deployment, bundle, null, $"Deleted the bundle {bundle.Name ?? bundle.MountPath}.", null,
                cancellationToken)
            : null;
        bundle.Delete(deploy?.Revision, clock.GetUtcNow(), subject.Profile);
        events.Record(EventTypes.BundleDeleted, subject.Profile, deployment, bundle, deploy?.Id);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);

        if (deploy is not null)
            signal.Announce(deploymentId);
    }

    /// <summary>Removes a DAG bundle from the lists of the non-DAG bundles that use it.</summary>
    private async Task DetachAsync(DeploymentId deployment, Bundle bundle, CancellationToken cancellationToken)
    {
        var others = await db.LiveBundles(deployment).Where(row => row.Name == null).ToListAsync(cancellationToken);
        foreach (var other in others.Where(other => other.DagBundleIds.Contains(bundle.Id.Value, StringComparer.Ordinal)))
        {
            if (other.DagBundleIds.Count == 1)
            {
                throw new ApiException(BundleErrors.BundleInUse, $"The bundle at {other.MountPath} uses this DAG bundle only; "
                    + "give it another one with 'dagBundleIds', or delete it first.");
            }
            other.DagBundleIds = [.. other.DagBundleIds.Where(id => id != bundle.Id.Value)];
        }
    }
}
