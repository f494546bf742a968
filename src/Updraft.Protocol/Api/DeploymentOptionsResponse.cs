using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>What a Deployment can be set to.</summary>
public sealed record DeploymentOptionsResponse
{
    /// <summary>Names for <c>executor</c>.</summary>
    public required IReadOnlyList<string> Executors { get; init; }

    /// <summary>Limits and defaults of sizes.</summary>
    public required ResourceQuotaOptionsResponse ResourceQuotas { get; init; }

    /// <summary>
    /// Runtimes, the newest first: the configured ones, then what Deployments run besides. The astro CLI refuses to deploy an image whose
    /// runtime is not here.
    /// </summary>
    public required IReadOnlyList<RuntimeReleaseResponse> RuntimeReleases { get; init; }

    /// <summary>Names for <c>schedulerSize</c>.</summary>
    public required IReadOnlyList<SchedulerMachineResponse> SchedulerMachines { get; init; }

    /// <summary>Names for <c>astroMachine</c>.</summary>
    public required IReadOnlyList<WorkerMachineResponse> WorkerMachines { get; init; }

    /// <summary>Limits of worker queues.</summary>
    public required WorkerQueueOptionsResponse WorkerQueues { get; init; }

    /// <summary>Always empty: identities are the operator's.</summary>
    public IReadOnlyList<WorkloadIdentityOptionResponse> WorkloadIdentityOptions { get; init; } = [];
}

/// <summary>A runtime.</summary>
public sealed record RuntimeReleaseResponse
{
    /// <summary>Version of the runtime.</summary>
    public required string Version { get; init; }

    /// <summary>Its Airflow; <c>NA</c> when unknown.</summary>
    public required string AirflowVersion { get; init; }

    /// <summary>Always <c>stable</c>.</summary>
    public string Channel { get; init; } = "stable";

    /// <summary>When it was released; of a runtime that is known only from a Deployment, when that was created.</summary>
    public required DateTimeOffset ReleaseDate { get; init; }

    /// <summary>Always false: Updraft knows nothing of Airflow's database.</summary>
    public bool AirflowDatabaseMigration { get; init; }

    /// <summary>Always false.</summary>
    public bool StellarDatabaseMigration { get; init; }
}

/// <summary>Limits and defaults of sizes.</summary>
public sealed record ResourceQuotaOptionsResponse
{
    /// <summary>Of a task's pod that asks for nothing.</summary>
    public required ResourceOptionResponse DefaultPodSize { get; init; }

    /// <summary>Of all pods together.</summary>
    public required ResourceOptionResponse ResourceQuota { get; init; }
}

/// <summary>Limits of cores and memory.</summary>
public sealed record ResourceOptionResponse
{
    /// <summary>Cores.</summary>
    public required ResourceRangeResponse Cpu { get; init; }

    /// <summary>Memory.</summary>
    public required ResourceRangeResponse Memory { get; init; }
}

/// <summary>A range of Kubernetes quantities.</summary>
/// <param name="Floor">Least.</param>
/// <param name="Default">When not set.</param>
/// <param name="Ceiling">Most.</param>
public sealed record ResourceRangeResponse(string Floor, string Default, string Ceiling);

/// <summary>A range of numbers.</summary>
/// <param name="Floor">Least.</param>
/// <param name="Default">When not set.</param>
/// <param name="Ceiling">Most.</param>
public sealed record RangeResponse(int Floor, int Default, int Ceiling);

/// <summary>Cores and memory of a machine.</summary>
/// <param name="Cpu">Cores, as a Kubernetes quantity.</param>
/// <param name="Memory">Memory, as a Kubernetes quantity.</param>
public sealed record MachineSpecResponse(string Cpu, string Memory);

/// <summary>A size of the scheduler.</summary>
/// <param name="Name">As in <c>schedulerSize</c>.</param>
/// <param name="Spec">What it has.</param>
public sealed record SchedulerMachineResponse(
    [property: AllowedValues("SMALL", "MEDIUM", "LARGE", "EXTRA_LARGE")] string Name, MachineSpecResponse Spec);

/// <summary>A size of workers.</summary>
/// <param name="Name">As in <c>astroMachine</c>.</param>
/// <param name="Spec">What it has.</param>
/// <param name="Concurrency">Tasks at the same time.</param>
public sealed record WorkerMachineResponse(
    [property: AllowedValues("A5", "A10", "A20", "A40", "A60", "A120", "A160")] string Name, MachineSpecResponse Spec, RangeResponse Concurrency);

/// <summary>Limits of worker queues.</summary>
/// <param name="MaxWorkers">Of <c>maxWorkerCount</c>.</param>
/// <param name="MinWorkers">Of <c>minWorkerCount</c>.</param>
/// <param name="WorkerConcurrency">Of <c>workerConcurrency</c>.</param>
public sealed record WorkerQueueOptionsResponse(RangeResponse MaxWorkers, RangeResponse MinWorkers, RangeResponse WorkerConcurrency);

/// <summary>A cloud identity to choose.</summary>
/// <param name="Label">For a person.</param>
/// <param name="Role">The identity.</param>
public sealed record WorkloadIdentityOptionResponse(string Label, string Role);
