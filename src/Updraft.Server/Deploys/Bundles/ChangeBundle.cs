using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys.Bundles;

/// <summary>Changes one bundle without an upload, by a deploy of its own. Image, DAG-deploy setting and other bundles stay.</summary>
internal sealed class ChangeBundle(UpdraftDbContext db, TimeProvider clock, IOptions<ServerOptions> options, AppendRevision append,
    EventLog events)
{
    /// <summary>Appends the deploy and its revision. Call it inside a write transaction; announce the revision after the commit.</summary>
    /// <param name="subject">The caller.</param>
    /// <param name="deployment">The locked Deployment.</param>
    /// <param name="bundle">The bundle.</param>
    /// <param name="mount">The new version of the bundle; null removes it.</param>
    /// <param name="description">Description of the deploy.</param>
    /// <param name="rollbackFrom">The deploy that is rolled back to; null if this is no rollback.</param>
    /// <param name="cancellationToken">Cancels the database statements.</param>
    public async Task<Deploy> RunAsync(Subject subject, Deployment deployment, Bundle bundle, RevisionMount? mount, string? description,
        DeployId? rollbackFrom, CancellationToken cancellationToken)
    {
        var newest = await db.NewestRevisionAsync(deployment, cancellationToken);
        var repository = DeploymentMapping.ImageRepository(options.Value, deployment.OrganizationId, deployment.Id);
        var image = newest?.Image ?? new ImageReference(repository, "");
        var by = subject.Profile;
        var deploy = Deploy.Next(deployment, DeployTarget.Of(bundle), image, description, by, clock, rollbackFrom: rollbackFrom);
        var revision = Revision.After(newest, deployment, deploy.Id, deploy.CreatedAt, image, change: new(bundle.Path, mount));
        deploy.Commit(revision.Number, mount?.Version ?? "", deploy.CreatedAt, by);
        db.Deploys.Add(deploy);
        await append.RunAsync(deployment, newest, revision, by, cancellationToken);
        events.Record(rollbackFrom is null ? EventTypes.DeployFinalized : EventTypes.DeployRolledBack, by, deployment, deploy);
        DeployMetrics.Count(deploy);
        return deploy;
    }
}
