using Microsoft.EntityFrameworkCore;
using Updraft.Server.Agents;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>
/// An image does not run: its deploy is FAILED, and when it is the newest, the Deployment goes back to the last deploy whose image is
/// another, by an ordinary deploy of the agent's. Once:
/// <list type="bullet">
/// <item>what an agent reports again finds the deploy FAILED;</item>
/// <item>a deploy that already takes one back is not taken back: then it is not the image that is wrong;</item>
/// <item>an image that another agent has brought to run is proven, and one machine that cannot run it must not stop all others.</item>
/// </list>
/// </summary>
internal sealed class RollBackFailedDeploy(UpdraftDbContext db, TimeProvider clock, AppendRollback append, EventLog events)
{
    /// <summary>Implements <see cref="AbortRevision"/>.</summary>
    public async Task RunAsync(RevisionAborted given, CancellationToken cancellationToken)
    {
        var (deployment, number, agent, by) = given;
        var failed = await db.Revisions.AsNoTracking()
            .SingleAsync(row => row.DeploymentId == deployment.Id && row.Number == number, cancellationToken);
        var deploy = await db.Deploys.SingleOrDefaultAsync(row => row.Id == failed.DeployId, cancellationToken);
        if (deploy is not { Status: DeployStatus.Deployed } || await IsProvenAsync(failed, cancellationToken))
            return;
        deploy.Fail($"{agent.Component} on {agent.Host}: {agent.Message ?? "the image does not run."}", clock.GetUtcNow(), by);
        events.Record(EventTypes.DeployFailed, by, deployment, deploy);
        DeployMetrics.CountFailed(deploy);
        if (deployment.Revision != number || deploy.CreatedBy.Kind == SubjectKind.Agent)
            return;
        if (await FindGoodAsync(failed, cancellationToken) is { } good)
        {
            var (back, _) = await append.RunAsync(deployment, good,
                $"Taken back: the image of deploy {deploy.Id} did not run at {agent.Component} on {agent.Host}", by, cancellationToken);
            DeployMetrics.Count(back);
        }
    }

    private Task<bool> IsProvenAsync(Revision failed, CancellationToken cancellationToken) => (
        from report in db.RevisionReports
        where report.DeploymentId == failed.DeploymentId && report.Revision == failed.Number && report.ActiveAt != null
        join agent in db.Agents on report.AgentId equals agent.Id
        where agent.ImageDriver != null
        select agent).AnyAsync(cancellationToken);

    private Task<Deploy?> FindGoodAsync(Revision failed, CancellationToken cancellationToken) => (
        from revision in db.Revisions
        where revision.DeploymentId == failed.DeploymentId && revision.Number < failed.Number
            && (revision.ImageRepository != failed.ImageRepository || revision.ImageDigest != failed.ImageDigest
                || (failed.ImageDigest == null && revision.ImageTag != failed.ImageTag))
            && !db.Set<Image>().Any(image => image.DeploymentId == revision.DeploymentId && image.Digest == revision.ImageDigest && image.DeletedAt != null)
        join deploy in db.Deploys.AsNoTracking() on revision.DeployId equals deploy.Id
        where deploy.Status == DeployStatus.Deployed
        orderby revision.Number descending
        select deploy).FirstOrDefaultAsync(cancellationToken);
}
