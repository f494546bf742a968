using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>
/// A Deployment: its settings, its desired state and its live state. Fields that are not nullable are always present. The fields
/// of sizes are present too, except for <c>HYBRID</c> under v1beta1.
/// </summary>
public sealed record DeploymentResponse
{
    /// <summary>Id of the Deployment.</summary>
    public required string Id { get; init; }

    /// <summary>Name for users, unique in the Workspace.</summary>
    public required string Name { get; init; }

    /// <summary>Free text; absent if none was given.</summary>
    public string? Description { get; init; }

    /// <summary>
    /// Generated name that is unique in the installation. It is valid in a path of an image reference, because the <c>astro</c>
    /// CLI names its local image after it.
    /// </summary>
    public required string Namespace { get; init; }

    /// <summary>Id of the Organization that owns the Deployment.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>Id of the Workspace that contains the Deployment.</summary>
    public required string WorkspaceId { get; init; }

    /// <summary>Display name of the Workspace that contains the Deployment; not unique.</summary>
    public required string WorkspaceName { get; init; }

    /// <summary><c>STANDARD</c>, <c>DEDICATED</c> or <c>HYBRID</c>, as in the request that created the Deployment.</summary>
    [AllowedValues("STANDARD", "DEDICATED", "HYBRID")]
    public required string Type { get; init; }

    /// <summary>
    /// <c>HEALTHY</c>: all live agents run the newest revision, or none is enrolled. <c>DEPLOYING</c>: agents are about to
    /// activate it. <c>UNHEALTHY</c>: an agent failed, or no agent is live. <c>HIBERNATING</c>: a hibernation override is active.
    /// </summary>
    [AllowedValues("DEPLOYING", "HEALTHY", "UNHEALTHY", "HIBERNATING")]
    public required string Status { get; init; }

    /// <summary>Reason of the status, for example the message of a failed agent. Absent if the Deployment is healthy.</summary>
    public string? StatusReason { get; init; }

    /// <summary>Runtime version of the newest image. Before the first image deploy, the version given at creation, or empty.</summary>
    public required string AstroRuntimeVersion { get; init; }

    /// <summary>Equal to <c>astroRuntimeVersion</c>. The <c>astro</c> CLI reads this field.</summary>
    public required string RuntimeVersion { get; init; }

    /// <summary>Airflow version of the newest image; <c>NA</c> if it is unknown.</summary>
    public required string AirflowVersion { get; init; }

    /// <summary>Whether clients can deploy DAGs without an image.</summary>
    public required bool IsDagDeployEnabled { get; init; }

    /// <summary>Whether only API tokens can deploy.</summary>
    public required bool IsCicdEnforced { get; init; }

    /// <summary>Whether high availability is set. Default: false. Updraft stores it but does not act on it.</summary>
    public bool? IsHighAvailability { get; init; }

    /// <summary>Whether clients can set a hibernation override. Default: false.</summary>
    public bool? IsDevelopmentMode { get; init; }

    /// <summary>Whether the server rejects archives of DAGs with files next to the directory <c>dags</c>. Default: false.</summary>
    public bool? RejectUnmountedFiles { get; init; }

    /// <summary><c>CELERY</c> (default), <c>KUBERNETES</c> or <c>ASTRO</c>. Updraft stores it but does not act on it.</summary>
    [AllowedValues("CELERY", "KUBERNETES", "ASTRO")]
    public required string Executor { get; init; }

    /// <summary>
    /// <c>SMALL</c> (default), <c>MEDIUM</c>, <c>LARGE</c> or <c>EXTRA_LARGE</c>. Updraft stores it but does not act on it.
    /// </summary>
    [AllowedValues("SMALL", "MEDIUM", "LARGE", "EXTRA_LARGE")]
    public string? SchedulerSize { get; init; }

    /// <summary>CPU cores of the scheduler as a Kubernetes quantity, which follow from its size.</summary>
    public required string SchedulerCpu { get; init; }

    /// <summary>Memory of the scheduler as a Kubernetes quantity, which follows from its size.</summary>
    public required string SchedulerMemory { get; init; }

    /// <summary>
    /// Size of the scheduler of a <c>HYBRID</c> Deployment, in units of 0.1 CPU cores and 384 MiB. Absent for other types.
    /// </summary>
    public int? SchedulerAu { get; init; }

    /// <summary>
    /// Number of schedulers: for <c>HYBRID</c> the value of the newest request. Otherwise 2 with <c>isHighAvailability</c>, or 1.
    /// </summary>
    public required int SchedulerReplicas { get; init; }

    /// <summary>CPU cores of a task pod that requests none. Default: <c>0.25</c>. Updraft stores it but does not act on it.</summary>
    public string? DefaultTaskPodCpu { get; init; }

    /// <summary>Memory of a task pod that requests none. Default: <c>0.5Gi</c>. Updraft stores it but does not act on it.</summary>
    public string? DefaultTaskPodMemory { get; init; }

    /// <summary>CPU cores of all task pods together. Default: <c>10</c>. Updraft stores it but does not act on it.</summary>
    public string? ResourceQuotaCpu { get; init; }

    /// <summary>Memory of all task pods together. Default: <c>20Gi</c>. Updraft stores it but does not act on it.</summary>
    public string? ResourceQuotaMemory { get; init; }

    /// <summary>URL of the Deployment's page in the web UI, without a scheme.</summary>
    public required string WebServerUrl { get; init; }

    /// <summary>
    /// URL of the Deployment's page followed by <c>/api/v1</c>, without a scheme. Clients need the field, but Updraft has no
    /// Airflow API there.
    /// </summary>
    public required string WebServerAirflowApiUrl { get; init; }

    /// <summary>URL of the Deployment's page in the web UI, without a scheme.</summary>
    public required string WebServerIngressHostname { get; init; }

    /// <summary>Always <c>1</c>: Updraft does not size the web server.</summary>
    public required string WebServerCpu { get; init; }

    /// <summary>Always <c>2Gi</c>: Updraft does not size the web server.</summary>
    public required string WebServerMemory { get; init; }

    /// <summary>URL of the Deployment's page in the web UI.</summary>
    public required string UiUrl { get; init; }

    /// <summary>
    /// URL of the Deployment's page followed by <c>/api/v1</c>. Clients need the field, but Updraft has no Airflow API there.
    /// </summary>
    public required string ApiUrl { get; init; }

    /// <summary>Repository for images: registry, Organization and Deployment, without a scheme.</summary>
    public required string ImageRepository { get; init; }

    /// <summary>Tag of the desired image; empty if no image was deployed.</summary>
    public required string ImageTag { get; init; }

    /// <summary>Tag of the desired image; absent if no image was deployed.</summary>
    public string? ImageVersion { get; init; }

    /// <summary>Version of the DAG bundle <c>main</c> that agents report; absent if no agent reports one.</summary>
    public string? DagTarballVersion { get; init; }

    /// <summary>Desired version of the DAG bundle <c>main</c>; absent before its first deploy.</summary>
    public string? DesiredDagTarballVersion { get; init; }

    /// <summary>
    /// Cloud provider: for <c>STANDARD</c> that of the request that created the Deployment, otherwise that of the cluster.
    /// </summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public string? CloudProvider { get; init; }

    /// <summary>Region: for <c>STANDARD</c> that of the request that created the Deployment, otherwise that of the cluster.</summary>
    public string? Region { get; init; }

    /// <summary>Id of the cluster; absent for <c>STANDARD</c>, because clients request the cluster if there is an id.</summary>
    public string? ClusterId { get; init; }

    /// <summary>Name of the cluster; absent for <c>STANDARD</c>.</summary>
    public string? ClusterName { get; init; }

    /// <summary>
    /// Node pool for task pods from the newest request; absent if none was given. Updraft stores it but does not act on it.
    /// </summary>
    public string? TaskPodNodePoolId { get; init; }

    /// <summary>
    /// Cloud identity from the newest request, under the name of v1; absent if none was given. Updraft stores it but does not act
    /// on it.
    /// </summary>
    public string? EffectiveWorkloadIdentity { get; init; }

    /// <summary>
    /// Cloud identity after a disaster recovery from the newest request, under the name of v1; absent if none was given. Updraft
    /// stores it but does not act on it.
    /// </summary>
    [JsonPropertyName("effectiveDRWorkloadIdentity")]
    public string? EffectiveDrWorkloadIdentity { get; init; }

    /// <summary>
    /// Cloud identity from the newest request, under the name of v1beta1; absent in v1. Updraft stores it but does not act on it.
    /// </summary>
    public string? WorkloadIdentity { get; init; }

    /// <summary>
    /// Settings for tasks that run outside of the cluster; absent if none were given. Updraft stores it but does not act on it.
    /// </summary>
    public DeploymentRemoteExecution? RemoteExecution { get; init; }

    /// <summary>Email addresses of contacts; empty if none were given. Updraft stores it but does not act on it.</summary>
    public required IReadOnlyList<string> ContactEmails { get; init; }

    /// <summary>Environment variables, secret ones without their value. Updraft stores them but does not set them in Airflow.</summary>
    public required IReadOnlyList<DeploymentEnvironmentVariable> EnvironmentVariables { get; init; }

    /// <summary>Celery worker queues; absent if none were given. Updraft stores it but does not act on it.</summary>
    public IReadOnlyList<DeploymentWorkerQueue>? WorkerQueues { get; init; }

    /// <summary>Hibernation settings; absent if none were given.</summary>
    public DeploymentScalingSpec? ScalingSpec { get; init; }

    /// <summary>Hibernation status; absent without hibernation settings or outside of development mode.</summary>
    public DeploymentScalingStatus? ScalingStatus { get; init; }

    /// <summary>Time of creation, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>User or token that created the Deployment.</summary>
    public required SubjectProfileResponse CreatedBy { get; init; }

    /// <summary>Time of the last change to the settings, in UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>User or token that made the last change.</summary>
    public required SubjectProfileResponse UpdatedBy { get; init; }
}

/// <summary>A page of Deployments.</summary>
public sealed record DeploymentsPaginated
{
    /// <summary>Deployments on this page.</summary>
    public required IReadOnlyList<DeploymentResponse> Deployments { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of matching Deployments on all pages.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>Current scaling state; today it holds only the hibernation.</summary>
public sealed record DeploymentScalingStatus
{
    /// <summary>Whether the Deployment hibernates, and until when.</summary>
    public required DeploymentHibernationStatus HibernationStatus { get; init; }
}

/// <summary>Whether the Deployment sleeps now, and when that changes next.</summary>
public sealed record DeploymentHibernationStatus
{
    /// <summary>Whether an active override makes the Deployment hibernate.</summary>
    public required bool IsHibernating { get; init; }

    /// <summary>End of the hibernation in UTC; absent if the override has no end, or none is active.</summary>
    public string? NextEventAt { get; init; }

    /// <summary>
    /// <c>WAKE</c>, or absent without <c>nextEventAt</c>. Only the end of an override is known, because Updraft does not act on
    /// schedules.
    /// </summary>
    [AllowedValues("WAKE")]
    public string? NextEventType { get; init; }

    /// <summary>Reason of the status, for users; absent without an active override.</summary>
    public string? Reason { get; init; }
}
