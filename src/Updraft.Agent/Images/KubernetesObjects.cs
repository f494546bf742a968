using System.Text.Json;
using System.Text.Json.Serialization;

namespace Updraft.Agent.Images;

// What the driver reads of the cluster's objects, and what it writes: everything else is left out. The shapes are those of the
// Kubernetes API (apps/v1, v1); a field that is absent there is null here.

internal sealed record KubernetesList<T>
{
    public ListMetadata? Metadata { get; init; }

    public IReadOnlyList<T>? Items { get; init; }
}

internal sealed record ListMetadata(string? ResourceVersion);

internal sealed record ObjectMetadata
{
    public string? Name { get; init; }

    public string? Uid { get; init; }

    public string? ResourceVersion { get; init; }

    public long? Generation { get; init; }

    /// <summary>In a patch a null value removes an annotation.</summary>
    public IReadOnlyDictionary<string, string?>? Annotations { get; init; }
}

/// <summary>A Deployment or a StatefulSet; also a patch of one.</summary>
internal sealed record WorkloadObject
{
    public ObjectMetadata? Metadata { get; init; }

    public WorkloadSpec? Spec { get; init; }

    public WorkloadStatus? Status { get; init; }
}

internal sealed record WorkloadSpec
{
    public int? Replicas { get; init; }

    public bool? Paused { get; init; }

    public LabelSelector? Selector { get; init; }

    public UpdateStrategy? UpdateStrategy { get; init; }

    public PodTemplate? Template { get; init; }
}

internal sealed record LabelSelector
{
    public IReadOnlyDictionary<string, string>? MatchLabels { get; init; }

    public IReadOnlyList<LabelRequirement>? MatchExpressions { get; init; }
}

internal sealed record LabelRequirement(string Key, string Operator, IReadOnlyList<string>? Values);

internal sealed record UpdateStrategy(string? Type, RollingUpdate? RollingUpdate);

/// <param name="Partition">Of a StatefulSet: pods of a lower number keep what they run.</param>
internal sealed record RollingUpdate(int? Partition);

internal sealed record PodTemplate
{
    public ObjectMetadata? Metadata { get; init; }

    public PodSpec? Spec { get; init; }
}

internal sealed record PodSpec
{
    public IReadOnlyList<ContainerSpec>? InitContainers { get; init; }

    public IReadOnlyList<ContainerSpec>? Containers { get; init; }
}

internal sealed record ContainerSpec(string Name, string? Image);

internal sealed record WorkloadStatus
{
    public long? ObservedGeneration { get; init; }

    public int? Replicas { get; init; }

    public int? UpdatedReplicas { get; init; }

    public int? ReadyReplicas { get; init; }

    public int? AvailableReplicas { get; init; }

    public string? CurrentRevision { get; init; }

    public string? UpdateRevision { get; init; }

    public IReadOnlyList<Condition>? Conditions { get; init; }
}

internal sealed record Condition(string Type, string Status, string? Reason, string? Message, string? LastUpdateTime);

internal sealed record PodObject
{
    public ObjectMetadata? Metadata { get; init; }

    public PodSpec? Spec { get; init; }

    public PodStatus? Status { get; init; }
}

internal sealed record PodStatus
{
    public IReadOnlyList<Condition>? Conditions { get; init; }

    public IReadOnlyList<ContainerStatus>? InitContainerStatuses { get; init; }

    public IReadOnlyList<ContainerStatus>? ContainerStatuses { get; init; }
}

internal sealed record ContainerStatus(string Name, ContainerState? State);

internal sealed record ContainerState(ContainerWaiting? Waiting);

internal sealed record ContainerWaiting(string? Reason, string? Message);

internal sealed record EventObject
{
    public ObjectReference? InvolvedObject { get; init; }

    public string? Reason { get; init; }

    public string? Message { get; init; }
}

internal sealed record ObjectReference(string? Name, string? Uid);

/// <summary>One line of a watch; its object is a workload, or a <see cref="StatusObject"/> when the type is ERROR.</summary>
internal sealed record WatchEvent(string Type, JsonElement Object);

/// <summary>The cluster's form of an error.</summary>
internal sealed record StatusObject(int? Code, string? Reason, string? Message);

/// <summary>What a workload ran before: kept at the workload, so that it can be undone also by an agent that was restarted meanwhile.</summary>
/// <param name="Image">What it was set to.</param>
/// <param name="Before">Image of each container that was set, by the container's name.</param>
internal sealed record RolloutRecord(string Image, IReadOnlyDictionary<string, string> Before);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(KubernetesList<WorkloadObject>), TypeInfoPropertyName = "WorkloadList")]
[JsonSerializable(typeof(KubernetesList<PodObject>), TypeInfoPropertyName = "PodList")]
[JsonSerializable(typeof(KubernetesList<EventObject>), TypeInfoPropertyName = "EventList")]
[JsonSerializable(typeof(WorkloadObject))]
[JsonSerializable(typeof(WatchEvent))]
[JsonSerializable(typeof(StatusObject))]
[JsonSerializable(typeof(RolloutRecord))]
internal sealed partial class KubernetesJson : JsonSerializerContext;
