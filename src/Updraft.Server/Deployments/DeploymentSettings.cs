using System.Text.Json.Serialization;
using Updraft.Protocol.Api;

namespace Updraft.Server.Deployments;

/// <summary>
/// Settings that clients write and read. Updraft uses only <see cref="RejectUnmountedFiles"/>. Values of secret variables cannot be read, so they are not stored.
/// Immutable: replace the record as a whole.
/// </summary>
internal sealed record DeploymentSettings
{
    public const string DefaultPodCpu = "0.25", DefaultPodMemory = "0.5Gi", DefaultQuotaCpu = "10", DefaultQuotaMemory = "20Gi";

    public string Type { get; init; } = "STANDARD";

    public string Executor { get; init; } = "CELERY";

    public string SchedulerSize { get; init; } = "SMALL";

    public bool IsHighAvailability { get; init; }

    public bool IsDevelopmentMode { get; init; }

    /// <summary>Whether the server rejects archives of DAGs with files that agents do not mount.</summary>
    public bool RejectUnmountedFiles { get; init; }

    /// <summary>Null if tasks run elsewhere and no client set it, like the three sizes below.</summary>
    public string? DefaultTaskPodCpu { get; init; }

    public string? DefaultTaskPodMemory { get; init; }

    public string? ResourceQuotaCpu { get; init; }

    public string? ResourceQuotaMemory { get; init; }

    /// <summary>For <c>HYBRID</c> only.</summary>
    public int SchedulerAu { get; init; } = 5;

    /// <summary>For <c>HYBRID</c> only.</summary>
    public int SchedulerReplicas { get; init; } = 1;

    public string? TaskPodNodePoolId { get; init; }

    public string? WorkloadIdentity { get; init; }

    public string? DrWorkloadIdentity { get; init; }

    public string? CloudProvider { get; init; }

    public string? Region { get; init; }

    public IReadOnlyList<string> ContactEmails { get; init; } = [];

    public IReadOnlyList<DeploymentEnvironmentVariable> EnvironmentVariables { get; init; } = [];

    /// <summary>Null until a client sets queues.</summary>
    public IReadOnlyList<DeploymentWorkerQueue>? WorkerQueues { get; init; }

    /// <summary>Null until a client sets it. Whether an override is active depends on the time, so that is not stored.</summary>
    public DeploymentScalingSpec? ScalingSpec { get; init; }

    /// <summary>Null until a client sets it.</summary>
    public DeploymentRemoteExecution? RemoteExecution { get; init; }

    /// <summary>Whether responses contain cloud provider and region instead of a cluster.</summary>
    [JsonIgnore]
    public bool IsStandard => Type == "STANDARD";

    /// <summary>Whether the scheduler size is in AU instead of a named size.</summary>
    [JsonIgnore]
    public bool IsHybrid => Type == "HYBRID";
}
