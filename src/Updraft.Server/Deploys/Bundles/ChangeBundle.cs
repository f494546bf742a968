using Microsoft.EntityFrameworkCore;
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

/// <summary>Moves one bundle without an upload, by a deploy of its own; image, DAG-deploy setting and other bundles stay.</summary>
internal sealed class ChangeBundle(UpdraftDbContext db, TimeProvider clock, IOptions<ServerOptions> options, AppendRevision append, EventLog events)
{
    /// <summary>Appends the revision and its deploy. Inside a write transaction; announce it afterwards.</summary>
    /// <param name="subject">Who does it.</param>
    /// <param name="deployment">The Deployment.</param>
    /// <param name="bundle">The bundle.</param>
    /// <param name="mount">What is to be mounted there; null for nothing.</param>
    /// <param name="description">Description of the deploy.</param>
    /// <param name="rollbackFrom">The deploy that is gone back to.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<Deploy> RunAsync(Subject subject, Deployment deployment, Bundle bundle, RevisionMount? mount, string? description,
        DeployId? rollbackFrom, CancellationToken cancellationToken)
    {
        var newest = await db.Revisions.AsNoTracking()
            .SingleOrDefaultAsync(row => row.DeploymentId == deployment.Id && row.Number == deployment.Revision, cancellationToken);
        var now = clock.GetUtcNow();
        var deploy = new Deploy
        {
            Id = new(EntityId.New(clock)),
            DeploymentId = deployment.Id,
            Number = deployment.NextDeployNumber(),
            Type = bundle.IsDag ? DeployType.DagOnly : DeployType.Bundle,
            Description = description,
            BundleMountPath = bundle.IsDag ? null : bundle.MountPath,
            BundleType = bundle.BundleType,
            DagBundleName = bundle.IsDefault ? null : bundle.Name,
            ImageRepository = newest?.ImageRepository ?? $"{options.Value.Registry}/{deployment.OrganizationId}/{deployment.Id}",
            ImageTag = newest?.ImageTag ?? "",
            IsDagDeployEnabled = deployment.IsDagDeployEnabled,
            RollbackFromId = rollbackFrom,
            CreatedAt = now,
            CreatedBy = subject.Profile,
            UpdatedAt = now,
            UpdatedBy = subject.Profile,
        };
        var revision = new Revision
        {
            DeploymentId = deployment.Id,
            Number = deployment.NextRevision(),
            DeployId = deploy.Id,
            ImageRepository = deploy.ImageRepository,
            ImageTag = deploy.ImageTag,
            ImageDigest = newest?.ImageDigest,
            RuntimeVersion = deployment.RuntimeVersion,
            AirflowVersion = deployment.AirflowVersion,
            IsDagDeployEnabled = deployment.IsDagDeployEnabled,
            Mounts = Replace(newest?.Mounts ?? [], bundle.Path, mount),
            CreatedAt = now,
        };
        deploy.Commit(revision.Number, mount?.Version ?? "", now, subject.Profile);
        db.Deploys.Add(deploy);
        await append.RunAsync(deployment, newest, revision, subject.Profile, cancellationToken);
        events.Record(rollbackFrom is null ? EventTypes.DeployFinalized : EventTypes.DeployRolledBack, subject.Profile, deployment, deploy);
        DeployMetrics.Count(deploy);
        return deploy;
    }

    /// <summary>The bundle keeps its place among the others.</summary>
    private static List<RevisionMount> Replace(IReadOnlyList<RevisionMount> before, string path, RevisionMount? mount)
    {
        var mounts = before.ToList();
        var index = mounts.FindIndex(other => other.Path == path);
        if (index >= 0)
            mounts.RemoveAt(index);
        if (mount is not null)
            mounts.Insert(index >= 0 ? index : mounts.Count, mount);
        return mounts;
    }
}
