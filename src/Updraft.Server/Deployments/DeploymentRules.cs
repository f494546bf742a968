using System.Text.RegularExpressions;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Clusters;

namespace Updraft.Server.Deployments;

/// <summary>Checks the settings in requests. Every error is a 400 that names the field.</summary>
internal static class DeploymentRules
{
    /// <summary>In code points.</summary>
    public const int MaxName = 500;

    /// <summary>In code points.</summary>
    public const int MaxDescription = 1000;

    private const int MaxText = 255, MaxIdentity = 1000, MaxRanges = 100, MaxQueueName = 63, MaxSchedules = 10,
        MaxScheduleDescription = 200;

    private const RegexOptions Matching = RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant;
    private static readonly Regex QuantityPattern = new(@"^[0-9]+(\.[0-9]+)?(m|Mi|Gi|Ti)?\z", Matching);
    private static readonly Regex EmailPattern = new(@"^[^@\s\p{C}]+@[^@\s\p{C}]+\z", Matching);
    private static readonly Regex VariablePattern = new(@"^[A-Za-z_][A-Za-z0-9_]*\z", Matching);

    /// <summary>Sizes of the scheduler, smallest first.</summary>
    public static IReadOnlyList<(string Name, string Cpu, string Memory)> SchedulerSizes { get; } =
        [("SMALL", "1", "2Gi"), ("MEDIUM", "2", "4Gi"), ("LARGE", "4", "8Gi"), ("EXTRA_LARGE", "8", "16Gi")];

    /// <summary>Checks a request, and combines it with the previous settings.</summary>
    /// <param name="request">The request.</param>
    /// <param name="before">The previous settings, from which ids, secrets and fixed fields are kept.</param>
    /// <param name="sent">
    /// Names of the fields in the request, if an absent field keeps its previous value. Null if an absent field gets its default. Even
    /// then, a field that only Updraft has stays, because other clients omit it in each update.
    /// </param>
    /// <param name="clock">The source of times and ids.</param>
    /// <exception cref="ApiException">400: a value is invalid.</exception>
    public static DeploymentSettings ToSettings(DeploymentRequest request, DeploymentSettings before, IReadOnlySet<string>? sent,
        TimeProvider clock)
    {
        var type = TextLimit.OneOf(request.Type, "type", before.Type, "STANDARD", "DEDICATED", "HYBRID");
        TextLimit.Check(request.TaskPodNodePoolId, "taskPodNodePoolId", MaxText);
        TextLimit.Check(request.WorkloadIdentity, "workloadIdentity", MaxIdentity);
        TextLimit.Check(request.DrWorkloadIdentity, "drWorkloadIdentity", MaxIdentity);
        // Also the settings before the creation.
        var defaults = new DeploymentSettings();
        var remoteExecution = Stays("remoteExecution") ? before.RemoteExecution : Remote(request.RemoteExecution);
        var executor = TextLimit.OneOf(request.Executor, "executor", defaults.Executor, "CELERY", "KUBERNETES", "ASTRO");
        return new DeploymentSettings
        {
            Type = type,
            SchedulerAu = Stays("scheduler") ? before.SchedulerAu
                : Between(5, 24, request.Scheduler?.Au ?? defaults.SchedulerAu, "scheduler.au"),
            SchedulerReplicas = Stays("scheduler") ? before.SchedulerReplicas
                : Between(1, 4, request.Scheduler?.Replicas ?? defaults.SchedulerReplicas, "scheduler.replicas"),
            TaskPodNodePoolId = Stays("taskPodNodePoolId") ? before.TaskPodNodePoolId : request.TaskPodNodePoolId,
            WorkloadIdentity = Stays("workloadIdentity") ? before.WorkloadIdentity : request.WorkloadIdentity,
            DrWorkloadIdentity = Stays("drWorkloadIdentity") ? before.DrWorkloadIdentity : request.DrWorkloadIdentity,
            RemoteExecution = remoteExecution,
            Executor = executor,
            SchedulerSize = Stays("schedulerSize") ? before.SchedulerSize : TextLimit.OneOf(request.SchedulerSize, "schedulerSize",
                defaults.SchedulerSize, "SMALL", "MEDIUM", "LARGE", "EXTRA_LARGE"),
            IsHighAvailability = Stays("isHighAvailability") ? before.IsHighAvailability : request.IsHighAvailability ?? false,
            IsDevelopmentMode = Stays("isDevelopmentMode") ? before.IsDevelopmentMode : request.IsDevelopmentMode ?? false,
            RejectUnmountedFiles = request.RejectUnmountedFiles ?? before.RejectUnmountedFiles,
            DefaultTaskPodCpu = Size("defaultTaskPodCpu", request.DefaultTaskPodCpu, before.DefaultTaskPodCpu,
                DeploymentSettings.DefaultPodCpu),
            DefaultTaskPodMemory = Size("defaultTaskPodMemory", request.DefaultTaskPodMemory, before.DefaultTaskPodMemory,
                DeploymentSettings.DefaultPodMemory),
            ResourceQuotaCpu = Size("resourceQuotaCpu", request.ResourceQuotaCpu, before.ResourceQuotaCpu, DeploymentSettings.DefaultQuotaCpu),
            ResourceQuotaMemory = Size("resourceQuotaMemory", request.ResourceQuotaMemory, before.ResourceQuotaMemory,
                DeploymentSettings.DefaultQuotaMemory),
            CloudProvider = before.CloudProvider,
            Region = before.Region,
            ContactEmails = Stays("contactEmails") ? before.ContactEmails : Emails(request.ContactEmails),
            EnvironmentVariables = Variables(request.EnvironmentVariables ?? [], before.EnvironmentVariables, clock.GetUtcNow()),
            // Only Celery has queues, so a change of the executor without them removes them.
            WorkerQueues = Stays("workerQueues") && executor != "KUBERNETES" ? before.WorkerQueues
                : request.WorkerQueues is { Count: > 0 } queues ? Queues(queues, type, before.WorkerQueues ?? [], clock) : null,
            ScalingSpec = Stays("scalingSpec") ? before.ScalingSpec : Scaling(request.ScalingSpec),
        };

        bool Stays(string field) => sent?.Contains(field) == false;

        // Tasks that run elsewhere have no sizes unless the client sets some.
        string? Size(string field, string? requested, string? previous, string fallback) =>
            (Stays(field) ? previous : Quantity(requested, field)) ?? (remoteExecution?.Enabled == true ? null : fallback);
    }

    private static string? Quantity(string? value, string field)
    {
        if (value is null or "")
            return null;
        return value.Length <= 20 && QuantityPattern.IsMatch(value) ? value
            : throw ApiException.BadRequest($"'{field}' must be a quantity such as 0.5, 500m or 2Gi.");
    }

    private static List<string> Emails(IReadOnlyList<string>? emails)
    {
        foreach (var email in emails ?? [])
        {
            if (email is null || email.Length > MaxText || !EmailPattern.IsMatch(email))
            {
                throw ApiException.BadRequest(
                    $"'contactEmails' contains '{ApiException.Shorten(email ?? "null")}', which is not an email address.");
            }
        }
        return [.. emails ?? []];
    }

    private static List<DeploymentEnvironmentVariable> Variables(IReadOnlyList<DeploymentEnvironmentVariable> requested,
        IReadOnlyList<DeploymentEnvironmentVariable> before, DateTimeOffset now)
    {
        var variables = new Dictionary<string, DeploymentEnvironmentVariable>(StringComparer.Ordinal);
        foreach (var variable in requested)
        {
            if (variable?.Key is not { } key || key.Length > MaxText || !VariablePattern.IsMatch(key))
            {
                throw ApiException.BadRequest($"'environmentVariables' contains the key '{ApiException.Shorten(variable?.Key ?? "")}'; "
                    + "a key must begin with a letter or _, followed by letters, digits or _.");
            }
            var isSecret = variable.IsSecret ?? false;
            var value = isSecret ? null : variable.Value ?? "";
            var old = before.FirstOrDefault(row => row.Key == key);
            // Responses omit the value of a secret. A client that sends the variable back without a value keeps the secret.
            var isSame = old?.IsSecret == isSecret && (isSecret ? variable.Value is null : old.Value == value);
            if (!variables.TryAdd(key, new DeploymentEnvironmentVariable
            {
                Key = key,
                Value = value,
                IsSecret = isSecret,
                UpdatedAt = isSame ? old!.UpdatedAt : now,
            }))
                throw ApiException.BadRequest($"'environmentVariables' contains the key '{key}' twice.");
        }
        return [.. variables.Values];
    }

    private static List<DeploymentWorkerQueue> Queues(IReadOnlyList<DeploymentWorkerQueue> requested, string type,
        IReadOnlyList<DeploymentWorkerQueue> before, TimeProvider clock)
    {
        var queues = new List<DeploymentWorkerQueue>(requested.Count);
        foreach (var queue in requested)
        {
            var name = TextLimit.Name(queue?.Name, "workerQueues[].name", MaxQueueName);
            if (queues.Any(other => other.Name == name))
                throw ApiException.BadRequest($"'workerQueues' contains the name '{ApiException.Shorten(name)}' twice.");
            var machine = Machine(queue!, type);
            // Clients without support for ids identify a queue by its name.
            var known = before.FirstOrDefault(old => old.Id == queue!.Id) ?? before.FirstOrDefault(old => old.Name == name);
            queues.Add(queue! with
            {
                Id = known?.Id ?? EntityId.New(clock),
                IsDefault = queue.IsDefault ?? false,
                MaxWorkerCount = AtLeast(1, queue.MaxWorkerCount, "workerQueues[].maxWorkerCount"),
                MinWorkerCount = AtLeast(0, queue.MinWorkerCount, "workerQueues[].minWorkerCount"),
                WorkerConcurrency = AtLeast(1, queue.WorkerConcurrency, "workerQueues[].workerConcurrency"),
                PodEphemeralStorage = Quantity(queue.PodEphemeralStorage, "workerQueues[].podEphemeralStorage"),
                PodCpu = machine.Cpu,
                PodMemory = machine.Memory,
            });
        }
        return queues;
    }

    private static WorkerMachine Machine(DeploymentWorkerQueue queue, string type)
    {
        if (type == "HYBRID")
        {
            if (string.IsNullOrEmpty(queue.NodePoolId))
            {
                throw ApiException.BadRequest(
                    "'workerQueues[].nodePoolId' is missing; a HYBRID Deployment needs the node pool of its workers.");
            }
            TextLimit.Check(queue.NodePoolId, "workerQueues[].nodePoolId", MaxText);
            return WorkerMachine.Find(queue.AstroMachine) ?? WorkerMachine.All[0];
        }
        TextLimit.Check(queue.NodePoolId, "workerQueues[].nodePoolId", MaxText);
        return WorkerMachine.Find(queue.AstroMachine) ?? throw ApiException.BadRequest(
            $"'workerQueues[].astroMachine' must be one of {string.Join(", ", WorkerMachine.All.Select(machine => machine.Name))}.");
    }

    private static DeploymentScalingSpec? Scaling(DeploymentScalingSpec? requested)
    {
        if (requested?.HibernationSpec is not { } hibernation)
            return null;
        if (hibernation.Schedules?.Count > MaxSchedules)
        {
            throw ApiException.BadRequest(
                $"'scalingSpec' has {hibernation.Schedules.Count} schedules; at most {MaxSchedules} are allowed.");
        }
        foreach (var schedule in hibernation.Schedules ?? [])
        {
            if (schedule is null || !IsCron(schedule.HibernateAtCron) || !IsCron(schedule.WakeAtCron) || schedule.IsEnabled is null)
                throw ApiException.BadRequest(
                    "Each of 'scalingSpec.hibernationSpec.schedules' needs 'hibernateAtCron', 'wakeAtCron' "
                    + "(five fields each) and 'isEnabled'.");
            TextLimit.Check(schedule.Description, "scalingSpec.hibernationSpec.schedules[].description", MaxScheduleDescription);
        }
        Hibernation.ReadEnd(hibernation.Override?.OverrideUntil, "scalingSpec.hibernationSpec.override.overrideUntil");
        // Whether an override is active depends on the time of the read, so it is not stored.
        return Hibernation.SpecOrNull(hibernation with
        {
            Override = hibernation.Override is { } @override ? @override with { IsActive = null } : null,
        });
    }

    private static DeploymentRemoteExecution? Remote(DeploymentRemoteExecution? requested)
    {
        if (requested is null)
            return null;
        if (requested.Enabled is null)
            throw ApiException.BadRequest("'remoteExecution.enabled' is missing.");
        if (requested.AllowedIpAddressRanges is { Count: > MaxRanges } ranges)
        {
            throw ApiException.BadRequest(
                $"'remoteExecution.allowedIpAddressRanges' has {ranges.Count} ranges; at most {MaxRanges} are allowed.");
        }
        foreach (var range in requested.AllowedIpAddressRanges ?? [])
        {
            if (range is null || range.Length > MaxText || !System.Net.IPNetwork.TryParse(range, out _))
                throw ApiException.BadRequest(
                    $"'remoteExecution.allowedIpAddressRanges' contains '{ApiException.Shorten(range ?? "null")}', "
                    + "which is not a range such as 10.0.0.0/8.");
        }
        TextLimit.Check(requested.TaskLogBucket, "remoteExecution.taskLogBucket", MaxIdentity);
        TextLimit.Check(requested.TaskLogUrlPattern, "remoteExecution.taskLogUrlPattern", MaxIdentity);
        return requested with { AllowedIpAddressRanges = requested.AllowedIpAddressRanges ?? [], RemoteApiUrl = null };
    }

    private static bool IsCron(string? text) =>
        text is { Length: <= 100 } && text.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries).Length == 5;

    private static int AtLeast(int min, int? value, string field) => value >= min ? value.Value
        : throw ApiException.BadRequest($"'{field}' must be a whole number, {min} or more.");

    private static int Between(int min, int max, int value, string field) => value >= min && value <= max ? value
        : throw ApiException.BadRequest($"'{field}' must be a whole number from {min} to {max}.");
}
