using System.Text.Json.Serialization;
using Updraft.Protocol.Api;

namespace Updraft.Server.Deployments;

/// <summary>
/// Settings of a Deployment that clients write and read back; Updraft only keeps them, in the shape in which they travel. Values of
/// secret variables cannot be read back, so they are not kept. Immutable: replace it as a whole.
/// </summary>
internal sealed record DeploymentSettings
{
    public string Type { get; init; } = "STANDARD";

    public string Executor { get; init; } = "CELERY";

    public string SchedulerSize { get; init; } = "SMALL";

    public bool IsHighAvailability { get; init; }

    public bool IsDevelopmentMode { get; init; }

    public string DefaultTaskPodCpu { get; init; } = "0.25";

    public string DefaultTaskPodMemory { get; init; } = "0.5Gi";

    public string ResourceQuotaCpu { get; init; } = "10";

    public string ResourceQuotaMemory { get; init; } = "20Gi";

    /// <summary>For <c>HYBRID</c>.</summary>
    public int SchedulerAu { get; init; } = 5;

    /// <summary>For <c>HYBRID</c>.</summary>
    public int SchedulerReplicas { get; init; } = 1;

    public string? TaskPodNodePoolId { get; init; }

    public string? WorkloadIdentity { get; init; }

    public string? DrWorkloadIdentity { get; init; }

    public string? CloudProvider { get; init; }

    public string? Region { get; init; }

    public IReadOnlyList<string> ContactEmails { get; init; } = [];

    public IReadOnlyList<DeploymentEnvironmentVariable> EnvironmentVariables { get; init; } = [];

    /// <summary>Null until a client sets some.</summary>
    public IReadOnlyList<DeploymentWorkerQueue>? WorkerQueues { get; init; }

    /// <summary>Null until a client sets it. Whether a decision in it counts depends on the time and is not kept.</summary>
    public DeploymentScalingSpec? ScalingSpec { get; init; }

    /// <summary>Null until a client sets it.</summary>
    public DeploymentRemoteExecution? RemoteExecution { get; init; }

    /// <summary>Without a cluster of its own, as clients see it.</summary>
    [JsonIgnore]
    public bool IsStandard => Type == "STANDARD";

    /// <summary>Sized in other terms than the rest.</summary>
    [JsonIgnore]
    public bool IsHybrid => Type == "HYBRID";
}
