using System.Globalization;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Clusters;
using Updraft.Server.Security;

namespace Updraft.Server.Deployments;

/// <summary>Inputs of a response other than the Deployment itself.</summary>
internal sealed record DeploymentContext(ApiVersion Version, ServerOptions Server, ClusterOptions Cluster, RuntimeOptions Runtimes,
    DateTimeOffset Now);

/// <summary>Converts Deployments to responses.</summary>
internal static class DeploymentMapping
{
    private const string UnknownVersion = "NA", Hibernating = "HIBERNATING", WebServerCpu = "1", WebServerMemory = "2Gi";

    /// <summary>The image repository of a Deployment, without a scheme: registry, Organization, Deployment.</summary>
    public static string ImageRepository(ServerOptions server, OrganizationId organization, DeploymentId deployment) =>
        $"{server.Registry}/{organization}/{deployment}";

    public static DeploymentResponse ToResponse(this Deployment deployment, string workspaceName, DeploymentCondition condition,
        DeploymentContext context)
    {
        var (settings, server, isBeta) = (deployment.Settings, context.Server, context.Version == ApiVersion.V1Beta1);
        var (cpu, memory) = SchedulerResources(settings);
        // The astro CLI reads these fields for every type without a null check. The Terraform provider (v1beta1) expects none for HYBRID.
        var hasSizes = !(isBeta && settings.IsHybrid);
        var scaling = Hibernation.Status(settings, context.Now);
        var page = $"{server.PublicUrl.TrimEnd('/')}/deployments/{deployment.Id}";
        // Clients prepend the scheme.
        var pageWithoutScheme = page[(page.IndexOf("://", StringComparison.Ordinal) + 3)..];

        string? Unset(string fallback) => isBeta ? null : fallback;

        return new DeploymentResponse
        {
            Id = deployment.Id.Value,
            Name = deployment.Name,
            Description = deployment.Description,
            Namespace = deployment.Namespace,
            OrganizationId = deployment.OrganizationId.Value,
            WorkspaceId = deployment.WorkspaceId.Value,
            WorkspaceName = workspaceName,
            Type = settings.Type,
            Status = scaling?.HibernationStatus.IsHibernating == true ? Hibernating : condition.Status,
            StatusReason = condition.StatusReason,
            AstroRuntimeVersion = deployment.RuntimeVersion,
            RuntimeVersion = deployment.RuntimeVersion,
            AirflowVersion = context.Runtimes.AirflowOr(UnknownVersion, deployment.AirflowVersion, deployment.RuntimeVersion),
            IsDagDeployEnabled = deployment.IsDagDeployEnabled,
            IsCicdEnforced = deployment.IsCicdEnforced,
            IsHighAvailability = hasSizes ? settings.IsHighAvailability : null,
            IsDevelopmentMode = hasSizes ? settings.IsDevelopmentMode : null,
            RejectUnmountedFiles = settings.RejectUnmountedFiles,
            Executor = settings.Executor,
            SchedulerSize = hasSizes ? settings.SchedulerSize : null,
            SchedulerCpu = cpu,
            SchedulerMemory = memory,
            SchedulerAu = settings.IsHybrid ? settings.SchedulerAu : null,
            SchedulerReplicas = settings.IsHybrid ? settings.SchedulerReplicas : settings.IsHighAvailability ? 2 : 1,
            DefaultTaskPodCpu = hasSizes ? settings.DefaultTaskPodCpu ?? Unset(DeploymentSettings.DefaultPodCpu) : null,
            DefaultTaskPodMemory = hasSizes ? settings.DefaultTaskPodMemory ?? Unset(DeploymentSettings.DefaultPodMemory) : null,
            ResourceQuotaCpu = hasSizes ? settings.ResourceQuotaCpu ?? Unset(DeploymentSettings.DefaultQuotaCpu) : null,
            ResourceQuotaMemory = hasSizes ? settings.ResourceQuotaMemory ?? Unset(DeploymentSettings.DefaultQuotaMemory) : null,
            WebServerUrl = pageWithoutScheme,
            WebServerAirflowApiUrl = pageWithoutScheme + "/api/v1",
            WebServerIngressHostname = pageWithoutScheme,
            WebServerCpu = WebServerCpu,
            WebServerMemory = WebServerMemory,
            UiUrl = page,
            ApiUrl = page + "/api/v1",
            ImageRepository = ImageRepository(server, deployment.OrganizationId, deployment.Id),
            ImageTag = condition.ImageTag,
            ImageVersion = condition.ImageTag.Length > 0 ? condition.ImageTag : null,
            DagTarballVersion = condition.CurrentDagVersion,
            DesiredDagTarballVersion = condition.DesiredDagVersion,
            CloudProvider = settings.IsStandard ? settings.CloudProvider : context.Cluster.CloudProvider,
            Region = settings.IsStandard ? settings.Region : context.Cluster.Region,
            ClusterId = settings.IsStandard ? null : Cluster.IdOf(deployment.OrganizationId),
            ClusterName = settings.IsStandard ? null : context.Cluster.Name,
            TaskPodNodePoolId = settings.TaskPodNodePoolId,
            EffectiveWorkloadIdentity = isBeta ? null : settings.WorkloadIdentity,
            EffectiveDrWorkloadIdentity = isBeta ? null : settings.DrWorkloadIdentity,
            WorkloadIdentity = isBeta ? settings.WorkloadIdentity : null,
            RemoteExecution = settings.RemoteExecution is { } remote ? remote with { RemoteApiUrl = server.PublicUrl.TrimEnd('/') } : null,
            ContactEmails = settings.ContactEmails,
            EnvironmentVariables = settings.EnvironmentVariables,
            // The astro CLI reads the queues of a Celery Deployment without checking that there are any.
            WorkerQueues = settings.WorkerQueues ?? (isBeta || settings.Executor != "CELERY" ? null : []),
            ScalingSpec = Hibernation.WithIsActive(settings.ScalingSpec, context.Now),
            ScalingStatus = scaling,
            CreatedAt = deployment.CreatedAt,
            CreatedBy = deployment.CreatedBy.ToResponse(),
            UpdatedAt = deployment.UpdatedAt,
            UpdatedBy = deployment.UpdatedBy.ToResponse(),
        };
    }

    private static (string Cpu, string Memory) SchedulerResources(DeploymentSettings settings)
    {
        if (settings.IsHybrid)
            return (string.Create(CultureInfo.InvariantCulture, $"{settings.SchedulerAu * 100}m"),
                string.Create(CultureInfo.InvariantCulture, $"{settings.SchedulerAu * 384}Mi"));
        var (_, cpu, memory) = DeploymentRules.SchedulerSizes.FirstOrDefault(size => size.Name == settings.SchedulerSize,
            DeploymentRules.SchedulerSizes[0]);
        return (cpu, memory);
    }
}
