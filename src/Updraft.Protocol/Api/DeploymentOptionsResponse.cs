using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Values that clients can set on a Deployment. They are equal for each type, provider and executor.</summary>
public sealed record DeploymentOptionsResponse
{
    /// <summary>Values for <c>executor</c>.</summary>
    public required IReadOnlyList<string> Executors { get; init; }

    /// <summary>Limits and defaults of pod sizes and quotas.</summary>
    public required ResourceQuotaOptionsResponse ResourceQuotas { get; init; }

    /// <summary>
    /// Runtimes, newest first: those of the setting <c>Runtimes:Releases</c> and those that Deployments or images have. After them
    /// follow the next numbers of each series, with the channel <c>expected</c>. The <c>astro</c> CLI deploys an image only if its runtime
    /// is in this list.
    /// </summary>
    public required IReadOnlyList<RuntimeReleaseResponse> RuntimeReleases { get; init; }

    /// <summary>Values for <c>schedulerSize</c>, smallest first.</summary>
    public required IReadOnlyList<SchedulerMachineResponse> SchedulerMachines { get; init; }

    /// <summary>Values for <c>astroMachine</c> of a worker queue, smallest first.</summary>
    public required IReadOnlyList<WorkerMachineResponse> WorkerMachines { get; init; }

    /// <summary>Limits and defaults of worker queues.</summary>
    public required WorkerQueueOptionsResponse WorkerQueues { get; init; }

    /// <summary>Always empty, because the operator manages cloud identities.</summary>
    public IReadOnlyList<WorkloadIdentityOptionResponse> WorkloadIdentityOptions { get; init; } = [];
}

/// <summary>A runtime that images can contain.</summary>
public sealed record RuntimeReleaseResponse
{
    /// <summary>Version of the runtime.</summary>
    public required string Version { get; init; }

    /// <summary>
    /// Airflow version of the runtime: of an image with it, or else of the entry in the settings. <c>NA</c> if it is unknown.
    /// </summary>
    public required string AirflowVersion { get; init; }

    /// <summary>
    /// <c>stable</c>, or <c>expected</c> for the next numbers of a series, which may not exist yet.
    /// </summary>
    public required string Channel { get; init; }

    /// <summary>
    /// Release time in UTC. For a runtime that is not in the settings, the time of the first Deployment or image with it.
    /// </summary>
    public required DateTimeOffset ReleaseDate { get; init; }

    /// <summary>Always false, because Updraft has no data about Airflow's database.</summary>
    public bool AirflowDatabaseMigration { get; init; }

    /// <summary>Always false, because Updraft has no data about Airflow's database.</summary>
    public bool StellarDatabaseMigration { get; init; }
}

/// <summary>Limits and defaults of pod sizes and quotas.</summary>
public sealed record ResourceQuotaOptionsResponse
{
    /// <summary>Size of a task pod that requests no size.</summary>
    public required ResourceOptionResponse DefaultPodSize { get; init; }

    /// <summary>Size of all task pods together.</summary>
    public required ResourceOptionResponse ResourceQuota { get; init; }
}

/// <summary>Limits and defaults of CPU cores and memory.</summary>
public sealed record ResourceOptionResponse
{
    /// <summary>Range of CPU cores.</summary>
    public required ResourceRangeResponse Cpu { get; init; }

    /// <summary>Range of memory.</summary>
    public required ResourceRangeResponse Memory { get; init; }
}

/// <summary>A range of Kubernetes quantities, such as <c>0.5</c> or <c>2Gi</c>.</summary>
/// <param name="Floor">Minimum.</param>
/// <param name="Default">Value that applies if a request sets none.</param>
/// <param name="Ceiling">Maximum.</param>
public sealed record ResourceRangeResponse(string Floor, string Default, string Ceiling);

/// <summary>A range of whole numbers.</summary>
/// <param name="Floor">Minimum.</param>
/// <param name="Default">Value that applies if a request sets none.</param>
/// <param name="Ceiling">Maximum.</param>
public sealed record RangeResponse(int Floor, int Default, int Ceiling);

/// <summary>CPU cores and memory of a machine.</summary>
/// <param name="Cpu">CPU cores as a Kubernetes quantity.</param>
/// <param name="Memory">Memory as a Kubernetes quantity, such as <c>2Gi</c>.</param>
public sealed record MachineSpecResponse(string Cpu, string Memory);

/// <summary>A size of the scheduler.</summary>
/// <param name="Name">Value for <c>schedulerSize</c>.</param>
/// <param name="Spec">CPU cores and memory of this size.</param>
public sealed record SchedulerMachineResponse(
    [property: AllowedValues("SMALL", "MEDIUM", "LARGE", "EXTRA_LARGE")] string Name, MachineSpecResponse Spec);

/// <summary>A size of workers.</summary>
/// <param name="Name">Value for <c>astroMachine</c>.</param>
/// <param name="Spec">CPU cores and memory of this size.</param>
/// <param name="Concurrency">Range of <c>workerConcurrency</c>, which is the number of tasks that a worker runs at one time.</param>
public sealed record WorkerMachineResponse(
    [property: AllowedValues("A5", "A10", "A20", "A40", "A60", "A120", "A160")] string Name, MachineSpecResponse Spec,
    RangeResponse Concurrency);

/// <summary>Limits and defaults of worker queues.</summary>
/// <param name="MaxWorkers">Range of <c>maxWorkerCount</c>.</param>
/// <param name="MinWorkers">Range of <c>minWorkerCount</c>.</param>
/// <param name="WorkerConcurrency">Range of <c>workerConcurrency</c>.</param>
public sealed record WorkerQueueOptionsResponse(RangeResponse MaxWorkers, RangeResponse MinWorkers, RangeResponse WorkerConcurrency);

/// <summary>A cloud identity. Updraft returns none.</summary>
/// <param name="Label">Text for users.</param>
/// <param name="Role">Identity in the form of the cloud provider.</param>
public sealed record WorkloadIdentityOptionResponse(string Label, string Role);
