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
/// Rolls back to an earlier deploy with a new deploy: same image, same bundles, same DAG-deploy setting. Bundles that did not exist then
/// are removed. A rollback to the newest deploy is allowed. A rollback to an older runtime is allowed with a warning; no other deploy can
/// do that.
/// </summary>
/// <exception cref="ApiException">
/// 400: the target was never finalized, has failed, or its image was deleted. 403: CI/CD is enforced. 404: no such deploy.
/// </exception>
internal sealed class RollBackDeploy(UpdraftDbContext db, AppendRollback append, RevisionSignal signal)
{
    /// <returns>The new deploy, and a warning for the caller; null without one.</returns>
    public async Task<(DeployId Id, string? Warning)> RunAsync(Subject subject, DeploymentId deploymentId, DeployId targetId,
        DeployRollbackRequest request, CancellationToken cancellationToken)
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
        {
            throw new ApiException(DeployErrors.DeployFailed,
                $"Deploy '{targetId}' has failed: its image did not become ready. Roll back to another deploy, or create a new one.");
        }
        if (target.Status != DeployStatus.Deployed)
        {
            throw new ApiException(DeployErrors.NotFinalized,
                $"Deploy '{targetId}' was never finalized, so it cannot be rolled back to. Choose a finalized deploy.");
        }
        var (deploy, warning) = await append.RunAsync(deployment, target, request.Description, subject.Profile, cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);

        signal.Announce(deploymentId);
        DeployMetrics.Count(deploy);
        span?.SetTag(Instrumentation.DeployTag, deploy.Id.Value).SetTag(Instrumentation.RevisionTag, deploy.Revision);
        return (deploy.Id, warning);
    }
}
