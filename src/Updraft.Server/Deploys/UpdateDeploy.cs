using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>Changes the description of a deploy; no other field can change. An absent description stays.</summary>
/// <exception cref="ApiException">400: the description is too long. 404: no such deploy.</exception>
internal sealed class UpdateDeploy(UpdraftDbContext db, TimeProvider clock, EventLog events)
{
    public async Task RunAsync(Subject subject, DeploymentId deploymentId, DeployId deployId, UpdateDeployRequest request,
        CancellationToken cancellationToken)
    {
        TextLimit.Check(request.Description, "description", TextLimit.Description);

        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(deploymentId, cancellationToken);
        var deploy = await db.Deploys.SingleOrDefaultAsync(row => row.Id == deployId && row.DeploymentId == deploymentId, cancellationToken)
            ?? throw DeployRules.NotFound(deployId);
        if (request.Description is null || request.Description == deploy.Description)
            return;
        (deploy.Description, deploy.UpdatedAt, deploy.UpdatedBy) = (request.Description, clock.GetUtcNow(), subject.Profile);
        events.Record(EventTypes.DeployUpdated, subject.Profile, deployment, deploy);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }
}
