using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys.Bundles;

/// <summary>Changes the description of a bundle, and the DAG bundles that use a non-DAG bundle. Absent fields stay.</summary>
/// <exception cref="ApiException">400: a field is invalid, or the bundle was deleted. 404: no such bundle.</exception>
internal sealed class UpdateBundle(UpdraftDbContext db, TimeProvider clock, EnsureBundles ensureBundles, EventLog events)
{
    public async Task RunAsync(Subject subject, DeploymentId deploymentId, BundleId id, UpdateBundleRequest request,
        CancellationToken cancellationToken)
    {
        TextLimit.Check(request.Description, "description", TextLimit.Description);

        await ensureBundles.CompleteAsync(deploymentId, cancellationToken);
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(deploymentId, cancellationToken);
        var bundle = await FindAsync(db, deploymentId, id, cancellationToken);
        if (request.DagBundleIds is { } ids)
        {
            if (bundle.IsDag)
                throw ApiException.BadRequest("'dagBundleIds' is for non-DAG bundles only, and this is a DAG bundle; omit it.");
            if (ids.Count == 0)
                throw ApiException.BadRequest("'dagBundleIds' is empty; name one DAG bundle or more.");
            bundle.DagBundleIds = await FindDagBundlesAsync(db, deploymentId, ids, cancellationToken);
        }
        bundle.Description = request.Description ?? bundle.Description;
        bundle.Touch(clock.GetUtcNow(), subject.Profile);
        events.Record(EventTypes.BundleUpdated, subject.Profile, deployment, bundle);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    /// <summary>A bundle that is not deleted, tracked for changes.</summary>
    /// <exception cref="ApiException">400: the bundle was deleted. 404: no such bundle.</exception>
    public static async Task<Bundle> FindAsync(UpdraftDbContext db, DeploymentId deployment, BundleId id,
        CancellationToken cancellationToken)
    {
        var bundle = await db.Bundles.SingleOrDefaultAsync(row => row.Id == id && row.DeploymentId == deployment, cancellationToken)
            ?? throw BundleQueries.NotFound(id);
        return bundle.DeletedAt is null ? bundle
            : throw new ApiException(BundleErrors.BundleDeleted,
                $"The bundle at {bundle.MountPath} was deleted; create it again, or deploy to it.");
    }

    /// <summary>Checks the ids of DAG bundles in a request; returns the default DAG bundle if there are none.</summary>
    /// <exception cref="ApiException">400: an id is not that of a DAG bundle of the Deployment.</exception>
    public static async Task<IReadOnlyList<string>> FindDagBundlesAsync(UpdraftDbContext db, DeploymentId deployment,
        IReadOnlyList<string>? ids, CancellationToken cancellationToken)
    {
        var known = await db.LiveBundles(deployment).Where(row => row.Name != null).Select(row => new { row.Id, row.Name })
            .ToDictionaryAsync(row => row.Id.Value, row => row.Name, StringComparer.Ordinal, cancellationToken);
        if (ids is not { Count: > 0 })
            return [known.Single(row => row.Value == Bundle.Main).Key];
        foreach (var id in ids)
        {
            if (id is null || !known.ContainsKey(id))
            {
                throw new ApiException(DeployErrors.DagBundleNotFound,
                    $"'dagBundleIds' contains '{ApiException.Shorten(id ?? "null")}', which is not a DAG bundle of the Deployment.");
            }
        }
        return [.. ids.Distinct(StringComparer.Ordinal)];
    }
}
