using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>
/// A deploy that goes back to what an earlier one deployed, and its revision. Inside a write transaction; announce it afterwards.
/// </summary>
/// <exception cref="ApiException">400: the image of that time was deleted.</exception>
internal sealed class AppendRollback(UpdraftDbContext db, TimeProvider clock, AppendRevision append, EventLog events)
{
    /// <param name="deployment">The Deployment, locked.</param>
    /// <param name="target">The deploy to go back to; it has a revision.</param>
    /// <param name="description">Description of the new deploy.</param>
    /// <param name="by">Who goes back.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The new deploy, and what to tell whoever goes back.</returns>
    public async Task<(Deploy Deploy, string? Warning)> RunAsync(Deployment deployment, Deploy target, string? description, SubjectProfile by,
        CancellationToken cancellationToken)
    {
        var then = await db.Revisions.AsNoTracking()
            .SingleAsync(row => row.DeploymentId == deployment.Id && row.Number == target.Revision, cancellationToken);
        if (then.ImageDigest is { } digest)
            await db.CheckImageAsync(deployment.Id, digest, cancellationToken);
        var newest = await db.Revisions.AsNoTracking()
            .SingleAsync(row => row.DeploymentId == deployment.Id && row.Number == deployment.Revision, cancellationToken);
        var now = clock.GetUtcNow();
        var deploy = new Deploy
        {
            Id = new(EntityId.New(clock)),
            DeploymentId = deployment.Id,
            Number = deployment.NextDeployNumber(),
            Type = target.Type,
            Description = description,
            BundleMountPath = target.BundleMountPath,
            BundleType = target.BundleType,
            DagBundleName = target.DagBundleName,
            ImageRepository = then.ImageRepository,
            ImageTag = then.ImageTag,
            IsDagDeployEnabled = then.IsDagDeployEnabled,
            RollbackFromId = target.Id,
            CreatedAt = now,
            CreatedBy = by,
            UpdatedAt = now,
            UpdatedBy = by,
        };
        var revision = new Revision
        {
            DeploymentId = deployment.Id,
            Number = deployment.NextRevision(),
            DeployId = deploy.Id,
            ImageRepository = then.ImageRepository,
            ImageTag = then.ImageTag,
            ImageDigest = then.ImageDigest,
            RuntimeVersion = then.RuntimeVersion,
            AirflowVersion = then.AirflowVersion,
            IsDagDeployEnabled = then.IsDagDeployEnabled,
            Mounts = then.Mounts,
            CreatedAt = now,
        };
        deploy.Commit(revision.Number, null, now, by);
        db.Deploys.Add(deploy);
        await append.RunAsync(deployment, newest, revision, by, cancellationToken);
        (deployment.IsDagDeployEnabled, deployment.RuntimeVersion, deployment.AirflowVersion) =
            (then.IsDagDeployEnabled, then.RuntimeVersion, then.AirflowVersion);
        events.Record(EventTypes.DeployRolledBack, by, deployment, deploy);
        return (deploy, DeployRules.DowngradeWarning(newest, revision));
    }
}
