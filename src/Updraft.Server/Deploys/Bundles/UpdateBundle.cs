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

/// <summary>Changes a bundle's description, and which DAG bundles use a non-DAG bundle. What is absent stays.</summary>
/// <exception cref="ApiException">400: a field, or the bundle was deleted. 404: no such bundle.</exception>
internal sealed class UpdateBundle(UpdraftDbContext db, TimeProvider clock, EnsureBundles register, EventLog events)
{
    public async Task RunAsync(Subject subject, DeploymentId deploymentId, BundleId id, UpdateBundleRequest request,
        CancellationToken cancellationToken)
    {
        TextLimit.Check(request.Description, "description", TextLimit.Description);

        await register.CompleteAsync(deploymentId, cancellationToken);
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(deploymentId, cancellationToken);
        var bundle = await FindAsync(db, deploymentId, id, cancellationToken);
        if (request.DagBundleIds is { } wanted)
        {
            if (bundle.IsDag)
                throw ApiException.BadRequest("'dagBundleIds' belongs to non-DAG bundles; this is a DAG bundle.");
            if (wanted.Count == 0)
                throw ApiException.BadRequest("'dagBundleIds' is empty; a non-DAG bundle belongs to one DAG bundle at least.");
            bundle.DagBundleIds = await FindDagBundlesAsync(db, deploymentId, wanted, cancellationToken);
        }
        bundle.Description = request.Description ?? bundle.Description;
        bundle.Touch(clock.GetUtcNow(), subject.Profile);
        events.Record(EventTypes.BundleUpdated, subject.Profile, deployment, bundle);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    /// <summary>A bundle that is not deleted, for changing it.</summary>
    /// <exception cref="ApiException">400: it is deleted. 404: no such bundle.</exception>
    public static async Task<Bundle> FindAsync(UpdraftDbContext db, DeploymentId deployment, BundleId id, CancellationToken cancellationToken)
    {
        var bundle = await db.Bundles.SingleOrDefaultAsync(row => row.Id == id && row.DeploymentId == deployment, cancellationToken)
            ?? throw BundleQueries.NotFound(id);
        return bundle.DeletedAt is null ? bundle
            : throw ApiException.BadRequest($"The bundle at {bundle.MountPath} was deleted; create it again, or deploy to it.");
    }

    /// <summary>The DAG bundles that a client names; the default one when it names none.</summary>
    /// <exception cref="ApiException">400: one of them is no DAG bundle of the Deployment.</exception>
    public static async Task<IReadOnlyList<string>> FindDagBundlesAsync(UpdraftDbContext db, DeploymentId deployment,
        IReadOnlyList<string>? wanted, CancellationToken cancellationToken)
    {
        var known = await db.LiveBundles(deployment).Where(row => row.Name != null).Select(row => new { row.Id, row.Name })
            .ToDictionaryAsync(row => row.Id.Value, row => row.Name, StringComparer.Ordinal, cancellationToken);
        if (wanted is not { Count: > 0 })
            return [known.Single(row => row.Value == Bundle.Main).Key];
        foreach (var id in wanted)
        {
            if (id is null || !known.ContainsKey(id))
                throw ApiException.BadRequest($"'dagBundleIds' has '{ApiException.Shorten(id ?? "null")}', which is no DAG bundle of the Deployment.");
        }
        return [.. wanted.Distinct(StringComparer.Ordinal)];
    }
}
