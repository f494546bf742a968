using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>
/// Fields of the bodies of CreateDeployment and UpdateDeployment. In an update, a field that is absent keeps its value, and null restores
/// the default. Under <c>/platform/v1beta1</c>, absent and null are equal.
/// </summary>
public abstract record DeploymentRequest
{
    /// <summary>Name for users: one line of 1 to 500 characters, unique in the Workspace.</summary>
    [Required, StringLength(500, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>Free text, at most 1,000 characters. Default: none.</summary>
    [StringLength(1000)]
    public string? Description { get; init; }

    /// <summary>Id of the Workspace. A Deployment stays in its Workspace.</summary>
    [Required]
    public string? WorkspaceId { get; init; }

    /// <summary>
    /// <c>STANDARD</c> (default), <c>DEDICATED</c> or <c>HYBRID</c>. It decides which fields a response has, and it never
    /// changes.
    /// </summary>
    [AllowedValues("STANDARD", "DEDICATED", "HYBRID")]
    public string? Type { get; init; }

    /// <summary><c>CELERY</c> (default), <c>KUBERNETES</c> or <c>ASTRO</c>. Updraft stores it but does not act on it.</summary>
    [AllowedValues("CELERY", "KUBERNETES", "ASTRO")]
    public string? Executor { get; init; }

    /// <summary>
    /// <c>SMALL</c> (default), <c>MEDIUM</c>, <c>LARGE</c> or <c>EXTRA_LARGE</c>. Updraft stores it but does not act on it.
    /// </summary>
    [AllowedValues("SMALL", "MEDIUM", "LARGE", "EXTRA_LARGE")]
    public string? SchedulerSize { get; init; }

    /// <summary>Size of the scheduler of a <c>HYBRID</c> Deployment. Updraft stores it but does not act on it.</summary>
    public DeploymentInstanceSpec? Scheduler { get; init; }

    /// <summary>
    /// Node pool for task pods of a <c>HYBRID</c> Deployment, at most 255 characters. Default: none. Updraft stores it but does
    /// not act on it.
    /// </summary>
    [StringLength(255)]
    public string? TaskPodNodePoolId { get; init; }

    /// <summary>
    /// Cloud identity of the Deployment, at most 1,000 characters. Default: none. Updraft stores it but does not act on it.
    /// </summary>
    [StringLength(1000)]
    public string? WorkloadIdentity { get; init; }

    /// <summary>
    /// Cloud identity of the Deployment after a disaster recovery, at most 1,000 characters. Default: none. Updraft stores it but
    /// does not act on it.
    /// </summary>
    [StringLength(1000)]
    public string? DrWorkloadIdentity { get; init; }

    /// <summary>
    /// Whether clients can deploy DAGs without an image. Default at creation: true. It cannot change while <c>isCicdEnforced</c>
    /// is true and stays true.
    /// </summary>
    public bool? IsDagDeployEnabled { get; init; }

    /// <summary>Whether only API tokens can deploy. Default at creation: <c>cicdEnforcedDefault</c> of the Workspace.</summary>
    public bool? IsCicdEnforced { get; init; }

    /// <summary>Whether Airflow runs with two schedulers. Default: false. Updraft stores it but does not act on it.</summary>
    public bool? IsHighAvailability { get; init; }

    /// <summary>Whether clients can set a hibernation override. Default: false.</summary>
    public bool? IsDevelopmentMode { get; init; }

    /// <summary>
    /// Whether the server rejects archives of DAGs with files next to the directory <c>dags</c>, which agents do not mount. Default at
    /// creation: false. If an update omits the field, the value stays, because clients of Astro do not know the field.
    /// </summary>
    public bool? RejectUnmountedFiles { get; init; }

    /// <summary>
    /// CPU cores of a task pod that requests none, as a Kubernetes quantity. Default: <c>0.25</c>. Updraft stores it but does not
    /// act on it.
    /// </summary>
    public string? DefaultTaskPodCpu { get; init; }

    /// <summary>
    /// Memory of a task pod that requests none, as a Kubernetes quantity. Default: <c>0.5Gi</c>. Updraft stores it but does not
    /// act on it.
    /// </summary>
    public string? DefaultTaskPodMemory { get; init; }

    /// <summary>
    /// CPU cores of all task pods together, as a Kubernetes quantity. Default: <c>10</c>. Updraft stores it but does not act on
    /// it.
    /// </summary>
    public string? ResourceQuotaCpu { get; init; }

    /// <summary>
    /// Memory of all task pods together, as a Kubernetes quantity. Default: <c>20Gi</c>. Updraft stores it but does not act on
    /// it.
    /// </summary>
    public string? ResourceQuotaMemory { get; init; }

    /// <summary>
    /// Email addresses of contacts, at most 255 characters each. Default: none. Updraft stores it but does not act on it.
    /// </summary>
    public IReadOnlyList<string>? ContactEmails { get; init; }

    /// <summary>
    /// All environment variables; they replace the earlier ones. Default at creation: none. Updraft stores them but does not set
    /// them in Airflow.
    /// </summary>
    public IReadOnlyList<DeploymentEnvironmentVariable>? EnvironmentVariables { get; init; }

    /// <summary>
    /// All Celery worker queues; they replace the earlier ones. Default: none. Updraft stores it but does not act on it.
    /// </summary>
    public IReadOnlyList<DeploymentWorkerQueue>? WorkerQueues { get; init; }

    /// <summary>Hibernation settings. Default: none. Updraft acts on the override but not on the schedules.</summary>
    public DeploymentScalingSpec? ScalingSpec { get; init; }

    /// <summary>Settings for tasks that run outside of the cluster. Default: none. Updraft stores it but does not act on it.</summary>
    public DeploymentRemoteExecution? RemoteExecution { get; init; }
}

/// <summary>Body of CreateDeployment.</summary>
public sealed record CreateDeploymentRequest : DeploymentRequest
{
    /// <summary>
    /// Runtime version of the Deployment before its first image deploy, such as <c>3.3-1</c>. Default: unknown. Allowed values: versions
    /// of <c>Runtimes:Releases</c>, and those that a Deployment or image has. Later it follows the image.
    /// </summary>
    public string? AstroRuntimeVersion { get; init; }

    /// <summary>
    /// <c>AWS</c>, <c>AZURE</c> or <c>GCP</c>. Default: none. Updraft stores it, and returns it for <c>STANDARD</c>; other types
    /// return that of the cluster.
    /// </summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public string? CloudProvider { get; init; }

    /// <summary>
    /// Region of the cloud provider, at most 100 characters. Default: none. Updraft stores it, and returns it for
    /// <c>STANDARD</c>; other types return that of the cluster.
    /// </summary>
    public string? Region { get; init; }

    /// <summary>Id of the cluster. Default: the one cluster of the installation. Other ids are rejected.</summary>
    public string? ClusterId { get; init; }
}

/// <summary>
/// Body of UpdateDeployment. Absent optional fields keep their value. Under <c>/platform/v1beta1</c>, they return to their default. The
/// update needs <c>scheduler</c> for <c>HYBRID</c>, otherwise <c>schedulerSize</c> and <c>isHighAvailability</c>.
/// </summary>
[AlsoRequired(nameof(EnvironmentVariables), nameof(Executor), nameof(IsCicdEnforced), nameof(IsDagDeployEnabled), nameof(Type))]
public sealed record UpdateDeploymentRequest : DeploymentRequest
{
    /// <summary>
    /// Corrects the runtime version of a Deployment without an image. Default: unchanged. Allowed values: as at creation. After the
    /// first image deploy, only the current version.
    /// </summary>
    public string? AstroRuntimeVersion { get; init; }
}

/// <summary>An environment variable, in requests and responses.</summary>
public sealed record DeploymentEnvironmentVariable
{
    /// <summary>Name of the variable: a letter or <c>_</c>, then letters, digits or <c>_</c>; at most 255 characters.</summary>
    [Required]
    public string? Key { get; init; }

    /// <summary>
    /// Value of the variable. Default: empty. Updraft discards the value of a secret variable, so a response has none.
    /// </summary>
    public string? Value { get; init; }

    /// <summary>Whether the value is secret. Default: false. A secret variable without a value stays as it is.</summary>
    public bool? IsSecret { get; init; }

    /// <summary>Time at which the value was set last, in UTC. Ignored in requests.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }
}

/// <summary>A Celery worker queue, in requests and responses.</summary>
public sealed record DeploymentWorkerQueue
{
    /// <summary>Id of the queue. By default it is the id of the existing queue with this name, or the server generates one.</summary>
    public string? Id { get; init; }

    /// <summary>Name of the queue: 1 to 63 characters, unique in the Deployment.</summary>
    [Required, StringLength(63, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>Size of the workers, from <c>A5</c> to <c>A160</c>. Required, except for <c>HYBRID</c>.</summary>
    [AllowedValues("A5", "A10", "A20", "A40", "A60", "A120", "A160")]
    public string? AstroMachine { get; init; }

    /// <summary>Node pool of the workers, at most 255 characters. Required for <c>HYBRID</c>, otherwise optional.</summary>
    public string? NodePoolId { get; init; }

    /// <summary>Whether the queue receives tasks that name no queue. Default: false.</summary>
    public bool? IsDefault { get; init; }

    /// <summary>Largest number of workers, at least 1.</summary>
    [Required, Range(1, int.MaxValue)]
    public int? MaxWorkerCount { get; init; }

    /// <summary>Smallest number of workers, at least 0.</summary>
    [Required, Range(0, int.MaxValue)]
    public int? MinWorkerCount { get; init; }

    /// <summary>Number of tasks that a worker runs at one time, at least 1.</summary>
    [Required, Range(1, int.MaxValue)]
    public int? WorkerConcurrency { get; init; }

    /// <summary>Ephemeral storage of a worker, as a Kubernetes quantity. Default: none.</summary>
    public string? PodEphemeralStorage { get; init; }

    /// <summary>CPU cores of a worker, which follow from <c>astroMachine</c>. Ignored in requests.</summary>
    public string? PodCpu { get; init; }

    /// <summary>Memory of a worker, which follows from <c>astroMachine</c>. Ignored in requests.</summary>
    public string? PodMemory { get; init; }
}

/// <summary>Scaling settings of a Deployment, in requests and responses.</summary>
public sealed record DeploymentScalingSpec
{
    /// <summary>Hibernation settings. Default: none.</summary>
    public DeploymentHibernationSpec? HibernationSpec { get; init; }
}

/// <summary>Hibernation settings of a Deployment.</summary>
public sealed record DeploymentHibernationSpec
{
    /// <summary>Override of the schedules. Default: none.</summary>
    public DeploymentHibernationOverride? Override { get; init; }

    /// <summary>Schedules, at most 10. Default: none. Updraft stores them but does not act on them.</summary>
    public IReadOnlyList<DeploymentHibernationSchedule>? Schedules { get; init; }
}

/// <summary>A decision that takes precedence over the hibernation schedules until a given time.</summary>
public sealed record DeploymentHibernationOverride
{
    /// <summary>Whether the override applies now. Ignored in requests.</summary>
    public bool? IsActive { get; init; }

    /// <summary>True if the Deployment hibernates, false if it is awake.</summary>
    public bool? IsHibernating { get; init; }

    /// <summary>
    /// End of the override as RFC 3339, such as <c>2030-01-01T00:00:00Z</c>; absent if it has no end. Responses have the text of the
    /// request.
    /// </summary>
    [DataType(DataType.DateTime)]
    public string? OverrideUntil { get; init; }
}

/// <summary>A hibernation schedule. Updraft stores it but does not act on it.</summary>
public sealed record DeploymentHibernationSchedule
{
    /// <summary>Cron expression with five fields for the start of the hibernation, at most 100 characters.</summary>
    [Required]
    public string? HibernateAtCron { get; init; }

    /// <summary>Cron expression with five fields for the end of the hibernation, at most 100 characters.</summary>
    [Required]
    public string? WakeAtCron { get; init; }

    /// <summary>Whether the schedule applies.</summary>
    [Required]
    public bool? IsEnabled { get; init; }

    /// <summary>Free text, at most 200 characters. Default: none.</summary>
    [StringLength(200)]
    public string? Description { get; init; }
}

/// <summary>
/// Settings for tasks that run outside of the cluster, in requests and responses. Updraft stores them but does not act on them.
/// </summary>
public sealed record DeploymentRemoteExecution
{
    /// <summary>Whether tasks run outside of the cluster.</summary>
    [Required]
    public bool? Enabled { get; init; }

    /// <summary>
    /// Client networks as CIDR ranges, such as <c>10.0.0.0/8</c>; at most 100. Default: none. Always present in responses.
    /// </summary>
    public IReadOnlyList<string>? AllowedIpAddressRanges { get; init; }

    /// <summary>Public URL of the server, for workers that call the API. Ignored in requests.</summary>
    public string? RemoteApiUrl { get; init; }

    /// <summary>Bucket of the task logs, at most 1,000 characters. Default: none.</summary>
    public string? TaskLogBucket { get; init; }

    /// <summary>Pattern for URLs of task logs, at most 1,000 characters. Default: none.</summary>
    public string? TaskLogUrlPattern { get; init; }
}

/// <summary>Size of the scheduler of a <c>HYBRID</c> Deployment.</summary>
public sealed record DeploymentInstanceSpec
{
    /// <summary>Number of units of 0.1 CPU cores and 384 MiB, 5 to 24. Default: 5.</summary>
    [Range(5, 24)]
    public int? Au { get; init; }

    /// <summary>Number of schedulers, 1 to 4. Default: 1.</summary>
    [Range(1, 4)]
    public int? Replicas { get; init; }
}

/// <summary>Body of OverrideDeploymentHibernation. Valid only in development mode.</summary>
public sealed record OverrideDeploymentHibernationRequest
{
    /// <summary>True to hibernate, false to stay awake, null to end the override. Required.</summary>
    [Required, MayBeNull]
    public bool? IsHibernating { get; init; }

    /// <summary>End of the override as RFC 3339, in the future. Default, also for null: no end.</summary>
    [DataType(DataType.DateTime), MayBeNull]
    public string? OverrideUntil { get; init; }
}
