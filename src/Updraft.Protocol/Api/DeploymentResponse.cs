using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A Deployment. What is not nullable is always there: clients read it without a check.</summary>
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

    /// <summary><c>STANDARD</c>.</summary>
    [AllowedValues("STANDARD")]
    public required string Type { get; init; }

    /// <summary><c>DEPLOYING</c>, <c>HEALTHY</c> or <c>UNHEALTHY</c>.</summary>
    [AllowedValues("DEPLOYING", "HEALTHY", "UNHEALTHY")]
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
    public required bool IsHighAvailability { get; init; }

    /// <summary>As set.</summary>
    public required bool IsDevelopmentMode { get; init; }

    /// <summary>As set.</summary>
    [AllowedValues("CELERY", "KUBERNETES", "ASTRO")]
    public required string Executor { get; init; }

    /// <summary>As set.</summary>
    [AllowedValues("SMALL", "MEDIUM", "LARGE", "EXTRA_LARGE")]
    public required string SchedulerSize { get; init; }

    /// <summary>Follows from the size.</summary>
    public required string SchedulerCpu { get; init; }

    /// <summary>Follows from the size.</summary>
    public required string SchedulerMemory { get; init; }

    /// <summary>2 with high availability, else 1.</summary>
    public required int SchedulerReplicas { get; init; }

    /// <summary>As set, or a default.</summary>
    public required string DefaultTaskPodCpu { get; init; }

    /// <summary>As set, or a default.</summary>
    public required string DefaultTaskPodMemory { get; init; }

    /// <summary>As set, or a default.</summary>
    public required string ResourceQuotaCpu { get; init; }

    /// <summary>As set, or a default.</summary>
    public required string ResourceQuotaMemory { get; init; }

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

    /// <summary>As set.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public string? CloudProvider { get; init; }

    /// <summary>As set.</summary>
    public string? Region { get; init; }

    /// <summary>As set.</summary>
    public required IReadOnlyList<string> ContactEmails { get; init; }

    /// <summary>As set, secrets without their value.</summary>
    public required IReadOnlyList<DeploymentEnvironmentVariable> EnvironmentVariables { get; init; }

    /// <summary>As set; absent when never set.</summary>
    public IReadOnlyList<DeploymentWorkerQueue>? WorkerQueues { get; init; }

    /// <summary>As set; absent when never set.</summary>
    public DeploymentScalingSpec? ScalingSpec { get; init; }

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
