using System.Globalization;
using System.Security.Cryptography;
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
/// Creates a deploy and opens its upload. Clients often abandon a deploy after this step, so it holds no lock for which another deploy
/// waits.
/// </summary>
/// <exception cref="ApiException">
/// 400: a field is invalid, or the Deployment does not accept the type or has no DAGs to keep. 403: CI/CD is enforced. 404: no such
/// Deployment.
/// </exception>
internal sealed class CreateDeploy(UpdraftDbContext db, TimeProvider clock, IOptions<ServerOptions> options, EventLog events)
{
    public async Task<DeployId> RunAsync(Subject subject, DeploymentId deploymentId, DeploySpec spec, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(deploymentId, cancellationToken);
        deployment.CheckCicd(subject);
        deployment.CheckType(spec.Type);
        await db.CheckTargetAsync(deploymentId, spec.DagBundleName, spec.Mount, cancellationToken);
        var newest = await db.NewestRevisionAsync(deployment, cancellationToken);
        // Before the client builds and pushes an image. Finalize checks it again.
        DeployRules.CheckDags(spec.Type, newest);
        spec.Mount?.CheckAgainst((newest?.Mounts ?? []).Select(mount => mount.MountPath));

        var image = new ImageReference(DeploymentMapping.ImageRepository(options.Value, deployment.OrganizationId, deploymentId),
            spec.Type.HasImage() ? spec.ImageTag ?? NewTag() : newest?.ImageTag ?? "");
        var deploy = Deploy.Next(deployment, spec.Target, image, spec.Description, subject.Profile, clock, spec.Git);
        db.Deploys.Add(deploy);
        if (deploy.Upload is { } purpose)
        {
            db.UploadSlots.Add(new()
            {
                DeployId = deploy.Id,
                Purpose = purpose,
                DeploymentId = deploymentId,
                CreatedAt = deploy.CreatedAt,
            });
        }
        events.Record(EventTypes.DeployCreated, subject.Profile, deployment, deploy);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        // The URL of this request does not contain the id, so tracing cannot read it there.
        Activity.Current?.SetTag(Instrumentation.DeployTag, deploy.Id.Value);
        return deploy.Id;
    }

    /// <summary>A tag with the time; the random end distinguishes deploys that are created in the same second.</summary>
    private string NewTag() =>
        $"deploy-{clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH-mm-ss", CultureInfo.InvariantCulture)}-"
        + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", 5);
}
