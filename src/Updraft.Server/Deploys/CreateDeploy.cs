using System.Globalization;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;
using Updraft.Server.Telemetry;
using Updraft.Server.Uploads;
using Activity = System.Diagnostics.Activity;

namespace Updraft.Server.Deploys;

/// <summary>
/// Writes down the intent to deploy and opens what it needs to upload. Clients often abandon a deploy after this, so it
/// holds nothing that another deploy could wait for.
/// </summary>
/// <exception cref="ApiException">
/// 400: the request, or the type for this Deployment. 403: CI/CD is enforced. 404: no such Deployment.
/// </exception>
internal sealed class CreateDeploy(UpdraftDbContext db, TimeProvider clock, IOptions<ServerOptions> options, EventLog events)
{
    public async Task<DeployId> RunAsync(Subject subject, DeploymentId deploymentId, DeploySpec order, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(deploymentId, cancellationToken);
        deployment.CheckCicd(subject);
        deployment.CheckType(order.Type);
        await db.CheckTargetAsync(deploymentId, order.DagBundleName, order.Mount, cancellationToken);
        var newest = await db.Revisions.AsNoTracking()
            .SingleOrDefaultAsync(row => row.DeploymentId == deploymentId && row.Number == deployment.Revision, cancellationToken);
        order.Mount?.CheckAgainst((newest?.Mounts ?? []).Select(mount => mount.MountPath));

        var now = clock.GetUtcNow();
        var deploy = new Deploy
        {
            Id = new(EntityId.New(clock)),
            DeploymentId = deploymentId,
            Number = deployment.NextDeployNumber(),
            Type = order.Type,
            Description = order.Description,
            Git = order.Git,
            BundleMountPath = order.Mount?.Absolute,
            BundleType = order.BundleType,
            DagBundleName = order.DagBundleName,
            ImageRepository = $"{options.Value.Registry}/{deployment.OrganizationId}/{deploymentId}",
            ImageTag = order.Type.HasImage() ? order.ImageTag ?? FreshTag(now) : newest?.ImageTag ?? "",
            IsDagDeployEnabled = deployment.IsDagDeployEnabled,
            CreatedAt = now,
            CreatedBy = subject.Profile,
            UpdatedAt = now,
            UpdatedBy = subject.Profile,
        };
        db.Deploys.Add(deploy);
        if (deploy.Upload is { } purpose)
            db.UploadSlots.Add(new() { DeployId = deploy.Id, Purpose = purpose, DeploymentId = deploymentId, CreatedAt = now });
        events.Record(EventTypes.DeployCreated, subject.Profile, deployment, deploy);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        // The address of the request does not name it yet.
        Activity.Current?.SetTag(Instrumentation.DeployTag, deploy.Id.Value);
        return deploy.Id;
    }

    /// <summary>A tag that says when; the random end tells apart what was created in the same second.</summary>
    private static string FreshTag(DateTimeOffset now) =>
        $"deploy-{now.UtcDateTime.ToString("yyyy-MM-dd'T'HH-mm-ss", CultureInfo.InvariantCulture)}-"
        + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", 5);
}
