using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Deployments;

/// <summary>A Deployment on the wire.</summary>
internal static class DeploymentMapping
{
    private const string UnknownVersion = "NA", WebServerCpu = "1", WebServerMemory = "2Gi";

    /// <summary>Where a Deployment's images are, without a scheme: registry, Organization, Deployment.</summary>
    public static string ImageRepository(ServerOptions server, OrganizationId organization, DeploymentId deployment) =>
        $"{server.Registry}/{organization}/{deployment}";

    public static DeploymentResponse ToResponse(this Deployment deployment, string workspaceName, DeploymentCondition condition,
        ServerOptions server)
    {
        var settings = deployment.Settings;
        var (cpu, memory) = SchedulerResources(settings.SchedulerSize);
        var page = $"{server.PublicUrl.TrimEnd('/')}/deployments/{deployment.Id}";
        // Clients put the scheme in front themselves.
        var pageWithoutScheme = page[(page.IndexOf("://", StringComparison.Ordinal) + 3)..];
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
            Status = condition.Status,
            StatusReason = condition.StatusReason,
            AstroRuntimeVersion = deployment.RuntimeVersion,
            RuntimeVersion = deployment.RuntimeVersion,
            AirflowVersion = deployment.AirflowVersion.Length > 0 ? deployment.AirflowVersion : UnknownVersion,
            IsDagDeployEnabled = deployment.IsDagDeployEnabled,
            IsCicdEnforced = deployment.IsCicdEnforced,
            IsHighAvailability = settings.IsHighAvailability,
            IsDevelopmentMode = settings.IsDevelopmentMode,
            Executor = settings.Executor,
            SchedulerSize = settings.SchedulerSize,
            SchedulerCpu = cpu,
            SchedulerMemory = memory,
            SchedulerReplicas = settings.IsHighAvailability ? 2 : 1,
            DefaultTaskPodCpu = settings.DefaultTaskPodCpu,
            DefaultTaskPodMemory = settings.DefaultTaskPodMemory,
            ResourceQuotaCpu = settings.ResourceQuotaCpu,
            ResourceQuotaMemory = settings.ResourceQuotaMemory,
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
            CloudProvider = settings.CloudProvider,
            Region = settings.Region,
            ContactEmails = settings.ContactEmails,
            EnvironmentVariables = settings.EnvironmentVariables,
            WorkerQueues = settings.WorkerQueues,
            ScalingSpec = settings.ScalingSpec,
            CreatedAt = deployment.CreatedAt,
            CreatedBy = deployment.CreatedBy.ToResponse(),
            UpdatedAt = deployment.UpdatedAt,
            UpdatedBy = deployment.UpdatedBy.ToResponse(),
        };
    }

    private static (string Cpu, string Memory) SchedulerResources(string size) => size switch
    {
        "MEDIUM" => ("2", "4Gi"),
        "LARGE" => ("4", "8Gi"),
        "EXTRA_LARGE" => ("8", "16Gi"),
        _ => ("1", "2Gi"),
    };
}
