using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>
/// Goes back to what the Deployment ran with an earlier deploy, by a new deploy: same image, bundles and DAG-deploy
/// setting; a bundle that did not exist then is not mounted any more. Nothing is uploaded. Going back to the newest deploy is allowed, and recorded like any other.
/// Only so a Deployment comes to an older runtime; that is allowed with a warning.
/// </summary>
/// <exception cref="ApiException">400: the target was never deployed, or its image was deleted. 403: CI/CD is enforced. 404: no such deploy.</exception>
internal sealed class RollBackDeploy(UpdraftDbContext db, TimeProvider clock, AppendRevision append, RevisionSignal signal)
{
    /// <returns>The new deploy, and what to tell whoever asked for it.</returns>
    public async Task<(DeployId Id, string? Warning)> RunAsync(Subject subject, DeploymentId deploymentId, DeployId targetId, DeployRollbackRequest request,
        CancellationToken cancellationToken)
    {
        TextLimit.Check(request.Description, "description", TextLimit.Description);

        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(deploymentId, cancellationToken);
        var target = await db.Deploys.AsNoTracking()
            .SingleOrDefaultAsync(row => row.Id == targetId && row.DeploymentId == deploymentId, cancellationToken)
            ?? throw DeployRules.NotFound(targetId);
        deployment.CheckCicd(subject);
        if (target.Status != DeployStatus.Deployed)
            throw ApiException.BadRequest($"Deploy '{targetId}' was never deployed, so there is nothing to roll back to.");
        var then = await db.Revisions.AsNoTracking()
            .SingleAsync(row => row.DeploymentId == deploymentId && row.Number == target.Revision, cancellationToken);
        if (then.ImageDigest is { } digest)
            await db.CheckImageAsync(deploymentId, digest, cancellationToken);
        var newest = await db.Revisions.AsNoTracking()
            .SingleAsync(row => row.DeploymentId == deploymentId && row.Number == deployment.Revision, cancellationToken);

        var now = clock.GetUtcNow();
        var deploy = new Deploy
        {
            Id = new(EntityId.New(clock)),
            DeploymentId = deploymentId,
            Number = deployment.NextDeployNumber(),
            Type = target.Type,
            Description = request.Description,
            BundleMountPath = target.BundleMountPath,
            BundleType = target.BundleType,
            DagBundleName = target.DagBundleName,
            ImageRepository = then.ImageRepository,
            ImageTag = then.ImageTag,
            IsDagDeployEnabled = then.IsDagDeployEnabled,
            RollbackFromId = targetId,
            CreatedAt = now,
            CreatedBy = subject.Profile,
            UpdatedAt = now,
            UpdatedBy = subject.Profile,
        };
        var revision = new Revision
        {
            DeploymentId = deploymentId,
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
        deploy.Commit(revision.Number, null, now, subject.Profile);
        db.Deploys.Add(deploy);
        await append.RunAsync(deployment, newest, revision, subject.Profile, cancellationToken);
        (deployment.IsDagDeployEnabled, deployment.RuntimeVersion, deployment.AirflowVersion) =
            (then.IsDagDeployEnabled, then.RuntimeVersion, then.AirflowVersion);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);

        signal.Announce(deploymentId);
        return (deploy.Id, DeployRules.DowngradeWarning(newest, revision));
    }
}
