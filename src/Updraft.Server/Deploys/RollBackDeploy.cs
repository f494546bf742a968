using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Deploys;

/// <summary>
/// Goes back to what the Deployment ran with an earlier deploy, by a new deploy: same image, bundles and DAG-deploy
/// setting; a bundle that did not exist then is not mounted any more. Nothing is uploaded. Going back to the newest deploy is allowed, and recorded like any other.
/// Only so a Deployment comes to an older runtime; that is allowed with a warning.
/// </summary>
/// <exception cref="ApiException">
/// 400: the target was never deployed, has failed, or its image was deleted. 403: CI/CD is enforced. 404: no such deploy.
/// </exception>
internal sealed class RollBackDeploy(UpdraftDbContext db, AppendRollback append, RevisionSignal signal)
{
    /// <returns>The new deploy, and what to tell whoever asked for it.</returns>
    public async Task<(DeployId Id, string? Warning)> RunAsync(Subject subject, DeploymentId deploymentId, DeployId targetId, DeployRollbackRequest request,
        CancellationToken cancellationToken)
    {
        TextLimit.Check(request.Description, "description", TextLimit.Description);
        using var span = Instrumentation.Begin("roll back");

        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(deploymentId, cancellationToken);
        var target = await db.Deploys.AsNoTracking()
            .SingleOrDefaultAsync(row => row.Id == targetId && row.DeploymentId == deploymentId, cancellationToken)
            ?? throw DeployRules.NotFound(targetId);
        deployment.CheckCicd(subject);
        if (target.Status == DeployStatus.Failed)
            throw ApiException.BadRequest($"Deploy '{targetId}' has failed: what it deployed does not run. Roll back to another, or deploy anew.");
        if (target.Status != DeployStatus.Deployed)
            throw ApiException.BadRequest($"Deploy '{targetId}' was never deployed, so there is nothing to roll back to.");
        var (deploy, warning) = await append.RunAsync(deployment, target, request.Description, subject.Profile, cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);

        signal.Announce(deploymentId);
        DeployMetrics.Count(deploy);
        span?.SetTag(Instrumentation.DeployTag, deploy.Id.Value).SetTag(Instrumentation.RevisionTag, deploy.Revision);
        return (deploy.Id, warning);
    }
}
