using Microsoft.EntityFrameworkCore;
using Updraft.Server.Agents;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>
/// Handles an aborted image rollout: marks the deploy as FAILED and, if it is the newest, rolls back to the last deploy with another image.
/// The creator of the rollback is the agent. It happens at most once:
/// <list type="bullet">
/// <item>A repeated report finds the deploy FAILED and changes nothing.</item>
/// <item>An automatic rollback is not rolled back itself: if it fails too, the image is not the cause.</item>
/// <item>An image that became ready at another agent is not rolled back: one host must not stop the rollout on all others.</item>
/// </list>
/// </summary>
internal sealed class RollBackFailedDeploy(UpdraftDbContext db, TimeProvider clock, AppendRollback append, EventLog events)
{
    /// <summary>Implements <see cref="AbortRevision"/>.</summary>
    public async Task RunAsync(RevisionAborted aborted, CancellationToken cancellationToken)
    {
        var (deployment, number, agent, by) = aborted;
        var failed = await db.Revisions.AsNoTracking()
            .SingleAsync(row => row.DeploymentId == deployment.Id && row.Number == number, cancellationToken);
        var deploy = await db.Deploys.SingleOrDefaultAsync(row => row.Id == failed.DeployId, cancellationToken);
        if (deploy is not { Status: DeployStatus.Deployed } || await IsReadyElsewhereAsync(failed, cancellationToken))
            return;
        deploy.Fail($"{agent.Component} on {agent.Host}: {agent.Message ?? "The image did not become ready."}", clock.GetUtcNow(), by);
        events.Record(EventTypes.DeployFailed, by, deployment, deploy);
        DeployMetrics.CountFailed(deploy);
        if (deployment.Revision != number || deploy.CreatedBy.Kind == SubjectKind.Agent)
            return;
        if (await FindTargetAsync(failed, cancellationToken) is { } target)
        {
            var (rollback, _) = await append.RunAsync(deployment, target,
                $"Automatic rollback: the image of deploy {deploy.Id} did not become ready at {agent.Component} on {agent.Host}", by,
                cancellationToken);
            DeployMetrics.Count(rollback);
        }
    }

    private Task<bool> IsReadyElsewhereAsync(Revision failed, CancellationToken cancellationToken) => (
        from report in db.RevisionReports
        where report.DeploymentId == failed.DeploymentId && report.Revision == failed.Number && report.ActiveAt != null
        join agent in db.Agents on report.AgentId equals agent.Id
        where agent.ImageDriver != null
        select agent).AnyAsync(cancellationToken);

    private Task<Deploy?> FindTargetAsync(Revision failed, CancellationToken cancellationToken) => (
        from revision in db.Revisions
        where revision.DeploymentId == failed.DeploymentId && revision.Number < failed.Number
            && (revision.ImageRepository != failed.ImageRepository || revision.ImageDigest != failed.ImageDigest
                || (failed.ImageDigest == null && revision.ImageTag != failed.ImageTag))
            && !db.Set<Image>().Any(image => image.DeploymentId == revision.DeploymentId && image.Digest == revision.ImageDigest
                && image.DeletedAt != null)
        join deploy in db.Deploys.AsNoTracking() on revision.DeployId equals deploy.Id
        where deploy.Status == DeployStatus.Deployed
        orderby revision.Number descending
        select deploy).FirstOrDefaultAsync(cancellationToken);
}
