using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys;

/// <summary>
/// Reads one deploy with its revision. Clients that wait for a deploy repeat this request. The query is compiled once, because Entity
/// Framework takes longer to look it up than the database takes to run it.
/// </summary>
internal sealed class FindDeploy
{
    private readonly Func<UpdraftDbContext, DeploymentId, DeployId, CancellationToken, Task<DeployWithRevision?>> _query =
        EF.CompileAsyncQuery((UpdraftDbContext db, DeploymentId deploymentId, DeployId deployId, CancellationToken _) =>
            db.Set<Deploy>().AsNoTracking().Where(row => row.Id == deployId && row.DeploymentId == deploymentId)
                .LeftJoin(
                    db.Set<Revision>().AsNoTracking(),
                    deploy => new { deploy.DeploymentId, Number = deploy.Revision },
                    revision => new { revision.DeploymentId, Number = (long?)revision.Number },
                    (deploy, revision) => new DeployWithRevision { Deploy = deploy, Revision = revision })
                .SingleOrDefault());

    /// <summary>The deploy; null if the Deployment has none with this id.</summary>
    public Task<DeployWithRevision?> RunAsync(UpdraftDbContext db, DeploymentId deploymentId, DeployId deployId,
        CancellationToken cancellationToken) => _query(db, deploymentId, deployId, cancellationToken);
}
