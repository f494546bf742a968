using Microsoft.EntityFrameworkCore;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>
/// Appends a deploy with the content of an earlier one, and its revision. Call it inside a write transaction; announce the revision after
/// the commit.
/// </summary>
/// <exception cref="ApiException">400: the image of the earlier deploy was deleted.</exception>
internal sealed class AppendRollback(UpdraftDbContext db, TimeProvider clock, AppendRevision append, EventLog events)
{
    /// <param name="deployment">The locked Deployment.</param>
    /// <param name="target">The deploy to roll back to; it has a revision.</param>
    /// <param name="description">Description of the new deploy.</param>
    /// <param name="by">The caller.</param>
    /// <param name="cancellationToken">Cancels the database statements.</param>
    /// <returns>The new deploy, and a warning for the caller; null without one.</returns>
    public async Task<(Deploy Deploy, string? Warning)> RunAsync(Deployment deployment, Deploy target, string? description,
        SubjectProfile by, CancellationToken cancellationToken)
    {
        var source = await db.Revisions.AsNoTracking()
            .SingleAsync(row => row.DeploymentId == deployment.Id && row.Number == target.Revision, cancellationToken);
        if (source.ImageDigest is { } digest)
            await db.CheckImageAsync(deployment.Id, digest, cancellationToken);
        var newest = await db.NewestRevisionAsync(deployment, cancellationToken);
        deployment.IsDagDeployEnabled = source.IsDagDeployEnabled;
        // Without an image, the runtime is a setting, which an update may have corrected since the earlier deploy.
        if (source.ImageTag.Length > 0 || newest?.ImageTag is { Length: > 0 })
            (deployment.RuntimeVersion, deployment.AirflowVersion) = (source.RuntimeVersion, source.AirflowVersion);
        var deploy = Deploy.Next(deployment, target.Target, source.Image, description, by, clock, rollbackFrom: target.Id);
        var revision = Revision.After(source, deployment, deploy.Id, deploy.CreatedAt);
        deploy.Commit(revision.Number, null, deploy.CreatedAt, by);
        db.Deploys.Add(deploy);
        await append.RunAsync(deployment, newest, revision, by, cancellationToken);
        events.Record(EventTypes.DeployRolledBack, by, deployment, deploy);
        return (deploy, DeployRules.DowngradeWarning(newest, revision));
    }
}
