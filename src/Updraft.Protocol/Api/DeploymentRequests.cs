using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>What creating and updating a Deployment have in common. Absent and null are the same.</summary>
public abstract record DeploymentRequest
{
    /// <summary>1 to 500 characters, unique in the Workspace.</summary>
    [Required, StringLength(500, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>At most 1,000 characters.</summary>
    [StringLength(1000)]
    public string? Description { get; init; }

    /// <summary>The Workspace.</summary>
    [Required]
    public string? WorkspaceId { get; init; }

    /// <summary><c>STANDARD</c>, <c>DEDICATED</c> or <c>HYBRID</c>; <c>STANDARD</c> when absent. It never changes afterwards.</summary>
    [AllowedValues("STANDARD", "DEDICATED", "HYBRID")]
    public string? Type { get; init; }

    /// <summary><c>CELERY</c>, <c>KUBERNETES</c> or <c>ASTRO</c>.</summary>
    [AllowedValues("CELERY", "KUBERNETES", "ASTRO")]
    public string? Executor { get; init; }

    /// <summary><c>SMALL</c>, <c>MEDIUM</c>, <c>LARGE</c> or <c>EXTRA_LARGE</c>.</summary>
    [AllowedValues("SMALL", "MEDIUM", "LARGE", "EXTRA_LARGE")]
    public string? SchedulerSize { get; init; }

    /// <summary>The size of the scheduler, in the terms of <c>HYBRID</c>.</summary>
    public DeploymentInstanceSpec? Scheduler { get; init; }

    /// <summary>The node pool for task pods, for <c>HYBRID</c>; kept and given back.</summary>
    [StringLength(255)]
    public string? TaskPodNodePoolId { get; init; }

    /// <summary>The cloud identity that the Deployment is to have; kept and given back.</summary>
    [StringLength(1000)]
    public string? WorkloadIdentity { get; init; }

    /// <summary>The same for the place that takes over after a disaster; kept and given back.</summary>
    [StringLength(1000)]
    public string? DrWorkloadIdentity { get; init; }

    /// <summary>Whether DAGs can be deployed without an image.</summary>
    public bool? IsDagDeployEnabled { get; init; }

    /// <summary>Whether only API tokens may deploy.</summary>
    public bool? IsCicdEnforced { get; init; }

    /// <summary>Kept and given back.</summary>
    public bool? IsHighAvailability { get; init; }

    /// <summary>Kept and given back.</summary>
    public bool? IsDevelopmentMode { get; init; }

    /// <summary>A Kubernetes quantity of cores, e.g. <c>0.25</c>.</summary>
    public string? DefaultTaskPodCpu { get; init; }

    /// <summary>A Kubernetes quantity of memory, e.g. <c>0.5Gi</c>.</summary>
    public string? DefaultTaskPodMemory { get; init; }

    /// <summary>A Kubernetes quantity of cores, e.g. <c>10</c>.</summary>
    public string? ResourceQuotaCpu { get; init; }

    /// <summary>A Kubernetes quantity of memory, e.g. <c>20Gi</c>.</summary>
    public string? ResourceQuotaMemory { get; init; }

    /// <summary>Kept and given back.</summary>
    public IReadOnlyList<string>? ContactEmails { get; init; }

    /// <summary>All variables; a secret without a value keeps the one that it has.</summary>
    public IReadOnlyList<DeploymentEnvironmentVariable>? EnvironmentVariables { get; init; }

    /// <summary>Kept and given back.</summary>
    public IReadOnlyList<DeploymentWorkerQueue>? WorkerQueues { get; init; }

    /// <summary>Kept and given back.</summary>
    public DeploymentScalingSpec? ScalingSpec { get; init; }

    /// <summary>Kept and given back.</summary>
    public DeploymentRemoteExecution? RemoteExecution { get; init; }
}

/// <summary>Body of creating a Deployment.</summary>
public sealed record CreateDeploymentRequest : DeploymentRequest
{
    /// <summary>The Astro Runtime version that the Deployment begins with.</summary>
    public string? AstroRuntimeVersion { get; init; }

    /// <summary><c>AWS</c>, <c>AZURE</c> or <c>GCP</c>; kept and given back.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public string? CloudProvider { get; init; }

    /// <summary>Kept and given back; of a Deployment that is not <c>STANDARD</c>, the cluster's counts.</summary>
    public string? Region { get; init; }

    /// <summary>The cluster; this installation has exactly one, which is taken when absent.</summary>
    public string? ClusterId { get; init; }
}

/// <summary>Body of updating a Deployment: replaces all settings. It needs <c>scheduler</c> for <c>HYBRID</c>, else <c>schedulerSize</c> and
/// <c>isHighAvailability</c>.</summary>
[AlsoRequired(nameof(EnvironmentVariables), nameof(Executor), nameof(IsCicdEnforced), nameof(IsDagDeployEnabled), nameof(Type))]
public sealed record UpdateDeploymentRequest : DeploymentRequest;

/// <summary>An environment variable, in requests and answers.</summary>
public sealed record DeploymentEnvironmentVariable
{
    /// <summary>Name of the variable.</summary>
    [Required]
    public string? Key { get; init; }

    /// <summary>Never given back for a secret.</summary>
    public string? Value { get; init; }

    /// <summary>Whether the value is hidden.</summary>
    public bool? IsSecret { get; init; }

    /// <summary>When it was set; ignored in requests.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }
}

/// <summary>A Celery worker queue, in requests and answers.</summary>
public sealed record DeploymentWorkerQueue
{
    /// <summary>Made when absent.</summary>
    public string? Id { get; init; }

    /// <summary>1 to 63 characters, unique in the Deployment.</summary>
    [Required, StringLength(63, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary><c>A5</c> to <c>A160</c>; absent for <c>HYBRID</c>.</summary>
    [AllowedValues("A5", "A10", "A20", "A40", "A60", "A120", "A160")]
    public string? AstroMachine { get; init; }

    /// <summary>The node pool of the workers, for <c>HYBRID</c>.</summary>
    public string? NodePoolId { get; init; }

    /// <summary>Whether tasks go here that name no queue.</summary>
    public bool? IsDefault { get; init; }

    /// <summary>At least 1.</summary>
    [Required, Range(1, int.MaxValue)]
    public int? MaxWorkerCount { get; init; }

    /// <summary>At least 0.</summary>
    [Required, Range(0, int.MaxValue)]
    public int? MinWorkerCount { get; init; }

    /// <summary>At least 1.</summary>
    [Required, Range(1, int.MaxValue)]
    public int? WorkerConcurrency { get; init; }

    /// <summary>A Kubernetes quantity.</summary>
    public string? PodEphemeralStorage { get; init; }

    /// <summary>Follows from the machine; ignored in requests.</summary>
    public string? PodCpu { get; init; }

    /// <summary>Follows from the machine; ignored in requests.</summary>
    public string? PodMemory { get; init; }
}

/// <summary>How a Deployment is scaled, in requests and answers.</summary>
public sealed record DeploymentScalingSpec
{
    /// <summary>When it sleeps.</summary>
    public DeploymentHibernationSpec? HibernationSpec { get; init; }
}

/// <summary>When a Deployment sleeps.</summary>
public sealed record DeploymentHibernationSpec
{
    /// <summary>A decision that overrules the schedules for a while.</summary>
    public DeploymentHibernationOverride? Override { get; init; }

    /// <summary>At most 10.</summary>
    public IReadOnlyList<DeploymentHibernationSchedule>? Schedules { get; init; }
}

/// <summary>A decision that overrules the schedules for a while.</summary>
public sealed record DeploymentHibernationOverride
{
    /// <summary>Whether it counts now; ignored in requests.</summary>
    public bool? IsActive { get; init; }

    /// <summary>Asleep or awake.</summary>
    public bool? IsHibernating { get; init; }

    /// <summary>Until when.</summary>
    public DateTimeOffset? OverrideUntil { get; init; }
}

/// <summary>One rule of sleep.</summary>
public sealed record DeploymentHibernationSchedule
{
    /// <summary>Cron expression.</summary>
    [Required]
    public string? HibernateAtCron { get; init; }

    /// <summary>Cron expression.</summary>
    [Required]
    public string? WakeAtCron { get; init; }

    /// <summary>Whether the rule counts.</summary>
    [Required]
    public bool? IsEnabled { get; init; }

    /// <summary>At most 200 characters.</summary>
    [StringLength(200)]
    public string? Description { get; init; }
}

/// <summary>Whether and how tasks run elsewhere, in requests and answers.</summary>
public sealed record DeploymentRemoteExecution
{
    /// <summary>Whether tasks run elsewhere.</summary>
    [Required]
    public bool? Enabled { get; init; }

    /// <summary>Where requests may come from, as CIDR ranges; always there in answers.</summary>
    public IReadOnlyList<string>? AllowedIpAddressRanges { get; init; }

    /// <summary>Address under which the workers reach the API; ignored in requests.</summary>
    public string? RemoteApiUrl { get; init; }

    /// <summary>Bucket of the task logs.</summary>
    public string? TaskLogBucket { get; init; }

    /// <summary>Pattern of the addresses of task logs.</summary>
    public string? TaskLogUrlPattern { get; init; }
}

/// <summary>The size of a scheduler, for <c>HYBRID</c>.</summary>
public sealed record DeploymentInstanceSpec
{
    /// <summary>5 to 24 units of a tenth of a core and 384 MiB.</summary>
    [Range(5, 24)]
    public int? Au { get; init; }

    /// <summary>1 to 4.</summary>
    [Range(1, 4)]
    public int? Replicas { get; init; }
}

/// <summary>Body of sending a Deployment to sleep or waking it, whatever its schedules say.</summary>
public sealed record OverrideDeploymentHibernationRequest
{
    /// <summary>True to sleep, false to be awake.</summary>
    [Required]
    public bool? IsHibernating { get; init; }

    /// <summary>Until when; without end when absent.</summary>
    public DateTimeOffset? OverrideUntil { get; init; }
}
