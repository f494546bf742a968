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

    public string? CloudProvider { get; init; }

    public string? Region { get; init; }

    public IReadOnlyList<string> ContactEmails { get; init; } = [];

    public IReadOnlyList<DeploymentEnvironmentVariable> EnvironmentVariables { get; init; } = [];

    /// <summary>Null until a client sets some.</summary>
    public IReadOnlyList<DeploymentWorkerQueue>? WorkerQueues { get; init; }

    /// <summary>Null until a client sets it.</summary>
    public DeploymentScalingSpec? ScalingSpec { get; init; }
}
