using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;

namespace Updraft.Server.Deployments;

/// <summary>Replaces the settings of a Deployment.</summary>
internal sealed class UpdateDeployment(UpdraftDbContext db, TimeProvider clock, EventLog events, KnownRuntimes runtimes,
    ReadDeploymentConditions readConditions)
{
    /// <param name="subject">The caller.</param>
    /// <param name="id">The Deployment.</param>
    /// <param name="request">The new settings.</param>
    /// <param name="sent">Names of the fields in the request, if an absent field keeps its value. Null if it gets its default.</param>
    /// <exception cref="ApiException">
    /// 400: a field is missing or invalid, the name is in use, or Workspace, type or the runtime of an image would change. 400: the
    /// DAG-deploy setting would change while CI/CD is enforced. 404: no such Deployment.
    /// </exception>
    public async Task RunAsync(Subject subject, DeploymentId id, UpdateDeploymentRequest request, IReadOnlySet<string>? sent,
        CancellationToken cancellationToken)
    {
        RejectMissing(request);
        var name = TextLimit.Name(request.Name, "name", DeploymentRules.MaxName);
        TextLimit.Check(request.Description, "description", DeploymentRules.MaxDescription);

        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var deployment = await db.LockDeploymentAsync(id, cancellationToken);
        if (request.WorkspaceId != deployment.WorkspaceId.Value)
        {
            throw new ApiException(DeploymentErrors.Immutable,
                $"'workspaceId' must be '{deployment.WorkspaceId}': the Workspace of a Deployment never changes.");
        }
        // An update may end the enforcement and change the setting together.
        if (deployment.IsCicdEnforced && request.IsCicdEnforced == true && request.IsDagDeployEnabled != deployment.IsDagDeployEnabled)
        {
            throw new ApiException(DeploymentErrors.CicdEnforced,
                "'isDagDeployEnabled' cannot change while 'isCicdEnforced' is true; turn CI/CD enforcement off first.");
        }
        if (request.Type != deployment.Settings.Type)
        {
            throw new ApiException(DeploymentErrors.Immutable,
                $"'type' must be '{deployment.Settings.Type}': the type of a Deployment never changes.");
        }
        await CreateDeployment.RejectDuplicateNameAsync(db, deployment.WorkspaceId, name, except: id, cancellationToken);
        var runtime = await CorrectRuntimeAsync(subject, deployment, request.AstroRuntimeVersion, cancellationToken);
        var settings = DeploymentRules.ToSettings(request, deployment.Settings, sent, clock);
        var description = sent?.Contains("description") == false ? deployment.Description : request.Description;
        var changed = Changed.Names([("name", deployment.Name, name),
            ("description", deployment.Description, description),
            ("astroRuntimeVersion", deployment.RuntimeVersion, runtime),
            ("isDagDeployEnabled", deployment.IsDagDeployEnabled, request.IsDagDeployEnabled!.Value),
            ("isCicdEnforced", deployment.IsCicdEnforced, request.IsCicdEnforced!.Value),
            .. DeploymentEvents.Differences(deployment.Settings, settings)]);
        deployment.Settings = settings;
        deployment.Name = name;
        deployment.Description = description;
        deployment.RuntimeVersion = runtime;
        deployment.IsDagDeployEnabled = request.IsDagDeployEnabled.Value;
        deployment.IsCicdEnforced = request.IsCicdEnforced.Value;
        deployment.UpdatedAt = clock.GetUtcNow();
        deployment.UpdatedBy = subject.Profile;
        events.Record(EventTypes.DeploymentUpdated, subject.Profile, deployment.Scope(), deployment.Target(), (Changed.Detail, changed));
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    /// <summary>The runtime after the update. Clients that change a response and send it back repeat the current runtime.</summary>
    private async Task<string> CorrectRuntimeAsync(Subject subject, Deployment deployment, string? requested,
        CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(requested) || requested == deployment.RuntimeVersion)
            return deployment.RuntimeVersion;
        var conditions = await readConditions([deployment.Id], cancellationToken);
        if (conditions.GetValueOrDefault(deployment.Id, DeploymentCondition.Initial).ImageTag.Length > 0)
        {
            throw new ApiException(DeploymentErrors.Immutable,
                $"'astroRuntimeVersion' must be '{deployment.RuntimeVersion}' or absent: it is the runtime of the deployed image. "
                + "Deploy an image to change it.");
        }
        return await runtimes.ReadAsync(subject, requested, cancellationToken);
    }

    private static void RejectMissing(UpdateDeploymentRequest request)
    {
        var isHybrid = request.Type == "HYBRID";
        var missing = new (string Name, object? Value)[]
        {
            ("environmentVariables", request.EnvironmentVariables),
            ("executor", request.Executor),
            ("isCicdEnforced", request.IsCicdEnforced),
            ("isDagDeployEnabled", request.IsDagDeployEnabled),
            isHybrid ? ("scheduler", request.Scheduler) : ("isHighAvailability", request.IsHighAvailability),
            ("name", request.Name),
            ("schedulerSize", isHybrid ? "" : request.SchedulerSize),
            ("type", request.Type),
            ("workspaceId", request.WorkspaceId),
        }.Where(field => field.Value is null).Select(field => $"'{field.Name}'").ToList();
        if (missing.Count > 0)
            throw ApiException.BadRequest($"An update replaces all settings, so these fields are required: {string.Join(", ", missing)}.");
    }
}
