using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Clusters;
using Updraft.Server.Security;

namespace Updraft.Server.Deployments;

/// <summary>
/// The values that clients can set. They are equal for all types, providers and executors. Updraft stores sizes without using them, so the
/// limits are wide.
/// </summary>
internal sealed class ReadDeploymentOptions(KnownRuntimes runtimes)
{
    /// <summary>Includes the runtimes of the Deployments and images that the caller can see.</summary>
    public async Task<DeploymentOptionsResponse> RunAsync(Subject subject, string? deploymentType, string? executor, string? cloudProvider,
        CancellationToken cancellationToken)
    {
        Check(deploymentType, "deploymentType", "STANDARD", "DEDICATED", "HYBRID");
        Check(executor, "executor", "CELERY", "KUBERNETES", "ASTRO");
        Check(cloudProvider, "cloudProvider", "AWS", "AZURE", "GCP");
        var defaults = new DeploymentSettings();
        return new DeploymentOptionsResponse
        {
            Executors = ["CELERY", "KUBERNETES", "ASTRO"],
            ResourceQuotas = new ResourceQuotaOptionsResponse
            {
                DefaultPodSize = new ResourceOptionResponse
                {
                    Cpu = new("0.1", DeploymentSettings.DefaultPodCpu, "32"),
                    Memory = new("0.1Gi", DeploymentSettings.DefaultPodMemory, "128Gi"),
                },
                ResourceQuota = new ResourceOptionResponse
                {
                    Cpu = new("1", DeploymentSettings.DefaultQuotaCpu, "1600"),
                    Memory = new("1Gi", DeploymentSettings.DefaultQuotaMemory, "3200Gi"),
                },
            },
            RuntimeReleases = await runtimes.ListAsync(subject, cancellationToken),
            SchedulerMachines =
            [
                .. DeploymentRules.SchedulerSizes.Select(size => new SchedulerMachineResponse(size.Name, new(size.Cpu, size.Memory))),
            ],
            WorkerMachines =
            [
                .. WorkerMachine.All.Select(machine => new WorkerMachineResponse(machine.Name, new(machine.Cpu, machine.Memory),
                    new(1, machine.Concurrency, machine.Concurrency * 3))),
            ],
            WorkerQueues = new(new(1, 10, 200), new(0, 0, 20), new(1, 5, 480)),
        };
    }

    // Clients send an empty value if they do not know it.
    private static void Check(string? value, string field, params ReadOnlySpan<string> allowed) =>
        TextLimit.OneOf(string.IsNullOrEmpty(value) ? null : value, field, "", allowed);
}
