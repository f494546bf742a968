using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>A Deployment. What is not nullable is always there: clients read it without a check. So are the settings of the sizes, except that v1beta1
/// leaves them out for <c>HYBRID</c>.</summary>
public sealed record DeploymentResponse
{
    /// <summary>The id.</summary>
    public required string Id { get; init; }

    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>Absent when none was given.</summary>
    public string? Description { get; init; }

    /// <summary>Unique and legal in a docker path; the astro CLI names its local image after it.</summary>
    public required string Namespace { get; init; }

    /// <summary>The Organization.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>The Workspace.</summary>
    public required string WorkspaceId { get; init; }

    /// <summary>Its name.</summary>
    public required string WorkspaceName { get; init; }

    /// <summary><c>STANDARD</c>, <c>DEDICATED</c> or <c>HYBRID</c>.</summary>
    [AllowedValues("STANDARD", "DEDICATED", "HYBRID")]
    public required string Type { get; init; }

    /// <summary><c>DEPLOYING</c>, <c>HEALTHY</c>, <c>UNHEALTHY</c> or <c>HIBERNATING</c>.</summary>
    [AllowedValues("DEPLOYING", "HEALTHY", "UNHEALTHY", "HIBERNATING")]
    public required string Status { get; init; }

    /// <summary>Why, when there is something to say.</summary>
    public string? StatusReason { get; init; }

    /// <summary>Empty before the first image, unless given at creation.</summary>
    public required string AstroRuntimeVersion { get; init; }

    /// <summary>The same as <c>astroRuntimeVersion</c>; the astro CLI reads this one.</summary>
    public required string RuntimeVersion { get; init; }

    /// <summary><c>NA</c> when unknown.</summary>
    public required string AirflowVersion { get; init; }

    /// <summary>Whether DAGs can be deployed without an image.</summary>
    public required bool IsDagDeployEnabled { get; init; }

    /// <summary>Whether only API tokens may deploy.</summary>
    public required bool IsCicdEnforced { get; init; }

    /// <summary>As set.</summary>
    public bool? IsHighAvailability { get; init; }

    /// <summary>As set.</summary>
    public bool? IsDevelopmentMode { get; init; }

    /// <summary>As set.</summary>
    [AllowedValues("CELERY", "KUBERNETES", "ASTRO")]
    public required string Executor { get; init; }

    /// <summary>As set.</summary>
    [AllowedValues("SMALL", "MEDIUM", "LARGE", "EXTRA_LARGE")]
    public string? SchedulerSize { get; init; }

    /// <summary>Follows from the size.</summary>
    public required string SchedulerCpu { get; init; }

    /// <summary>Follows from the size.</summary>
    public required string SchedulerMemory { get; init; }

    /// <summary>Size of the scheduler in tenths of a core, for <c>HYBRID</c>.</summary>
    public int? SchedulerAu { get; init; }

    /// <summary>2 with high availability, else 1; as set for <c>HYBRID</c>.</summary>
    public required int SchedulerReplicas { get; init; }

    /// <summary>As set, or a default.</summary>
    public string? DefaultTaskPodCpu { get; init; }

    /// <summary>As set, or a default.</summary>
    public string? DefaultTaskPodMemory { get; init; }

    /// <summary>As set, or a default.</summary>
    public string? ResourceQuotaCpu { get; init; }

    /// <summary>As set, or a default.</summary>
    public string? ResourceQuotaMemory { get; init; }

    /// <summary>Address without a scheme.</summary>
    public required string WebServerUrl { get; init; }

    /// <summary>Address without a scheme.</summary>
    public required string WebServerAirflowApiUrl { get; init; }

    /// <summary>Address without a scheme.</summary>
    public required string WebServerIngressHostname { get; init; }

    /// <summary>Fixed.</summary>
    public required string WebServerCpu { get; init; }

    /// <summary>Fixed.</summary>
    public required string WebServerMemory { get; init; }

    /// <summary>Address with its scheme.</summary>
    public required string UiUrl { get; init; }

    /// <summary>Address with its scheme.</summary>
    public required string ApiUrl { get; init; }

    /// <summary>Registry, Organization and Deployment; no scheme.</summary>
    public required string ImageRepository { get; init; }

    /// <summary>Tag of the image that is to run; empty when none was deployed.</summary>
    public required string ImageTag { get; init; }

    /// <summary>The same; absent when none was deployed.</summary>
    public string? ImageVersion { get; init; }

    /// <summary>The DAG bundle version that runs; absent when nobody reports one.</summary>
    public string? DagTarballVersion { get; init; }

    /// <summary>The DAG bundle version that is to run; absent for none.</summary>
    public string? DesiredDagTarballVersion { get; init; }

    /// <summary>As set, or the cluster's.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public string? CloudProvider { get; init; }

    /// <summary>As set, or the cluster's.</summary>
    public string? Region { get; init; }

    /// <summary>The cluster; absent for <c>STANDARD</c>, since clients ask for the cluster when there is one.</summary>
    public string? ClusterId { get; init; }

    /// <summary>Its name; absent for <c>STANDARD</c>.</summary>
    public string? ClusterName { get; init; }

    /// <summary>As set, for <c>HYBRID</c>.</summary>
    public string? TaskPodNodePoolId { get; init; }

    /// <summary>As set; v1's name for it.</summary>
    public string? EffectiveWorkloadIdentity { get; init; }

    /// <summary>As set; v1's name for it.</summary>
    [JsonPropertyName("effectiveDRWorkloadIdentity")]
    public string? EffectiveDrWorkloadIdentity { get; init; }

    /// <summary>As set; only under v1beta1, which calls it so.</summary>
    public string? WorkloadIdentity { get; init; }

    /// <summary>As set; absent when never set.</summary>
    public DeploymentRemoteExecution? RemoteExecution { get; init; }

    /// <summary>As set.</summary>
    public required IReadOnlyList<string> ContactEmails { get; init; }

    /// <summary>As set, secrets without their value.</summary>
    public required IReadOnlyList<DeploymentEnvironmentVariable> EnvironmentVariables { get; init; }

    /// <summary>As set; absent when never set.</summary>
    public IReadOnlyList<DeploymentWorkerQueue>? WorkerQueues { get; init; }

    /// <summary>As set; absent when never set.</summary>
    public DeploymentScalingSpec? ScalingSpec { get; init; }

    /// <summary>Whether it sleeps; absent when nothing is set about that.</summary>
    public DeploymentScalingStatus? ScalingStatus { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who created it.</summary>
    public required SubjectProfileResponse CreatedBy { get; init; }

    /// <summary>When it was changed last.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Who changed it last.</summary>
    public required SubjectProfileResponse UpdatedBy { get; init; }
}

/// <summary>A page of Deployments.</summary>
public sealed record DeploymentsPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<DeploymentResponse> Deployments { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>How many match on all pages.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>How a Deployment is scaled now.</summary>
public sealed record DeploymentScalingStatus
{
    /// <summary>Whether it sleeps.</summary>
    public required DeploymentHibernationStatus HibernationStatus { get; init; }
}

/// <summary>Whether a Deployment sleeps.</summary>
public sealed record DeploymentHibernationStatus
{
    /// <summary>Whether it sleeps now.</summary>
    public required bool IsHibernating { get; init; }

    /// <summary>When that ends; absent when nobody said.</summary>
    public string? NextEventAt { get; init; }

    /// <summary><c>WAKE</c>: schedules are only kept, so that what ends is always a decision to sleep.</summary>
    [AllowedValues("WAKE")]
    public string? NextEventType { get; init; }

    /// <summary>Why, for a person.</summary>
    public string? Reason { get; init; }
}
