using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Deployments;

/// <summary>
/// Deletes a Deployment. From then on, requests for it return 404 and its tokens are invalid; its history stays in the database.
/// </summary>
internal sealed class DeleteDeployment(UpdraftDbContext db, TimeProvider clock, EventLog events)
{
    /// <exception cref="ApiException">404: no such Deployment, or already deleted.</exception>
    public async Task RunAsync(Subject subject, DeploymentId id, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(id, cancellationToken);
        var now = clock.GetUtcNow();
        (deployment.DeletedAt, deployment.UpdatedAt, deployment.UpdatedBy) = (now, now, subject.Profile);
        events.Record(EventTypes.DeploymentDeleted, subject.Profile, deployment.Scope(), deployment.Target());
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }
}
