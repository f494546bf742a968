using System.Text.Json;
using Updraft.Protocol;

namespace Updraft.Agent.Images;

/// <summary>Where the rollout of a workload is.</summary>
internal enum RolloutState
{
    Going,
    Done,
    Stuck,
}

/// <summary>How far the rollout of a workload is, and that in words.</summary>
internal sealed record RolloutProgress(RolloutState State, string Text);

/// <summary>A Deployment or StatefulSet, as the cluster has said last.</summary>
internal sealed class Workload(WorkloadKind kind, WorkloadObject content)
{
    private const string RecordAnnotation = "updraft.io/image-rollout", MainAnnotation = "kubectl.kubernetes.io/default-container",
        ChangeCause = "kubernetes.io/change-cause";

    private static readonly IReadOnlyDictionary<string, string> NoLabels = new Dictionary<string, string>(StringComparer.Ordinal);

    private readonly IReadOnlyList<ContainerSpec> _init = content.Spec?.Template?.Spec?.InitContainers ?? [];
    private readonly IReadOnlyList<ContainerSpec> _regular = content.Spec?.Template?.Spec?.Containers ?? [];

    public WorkloadKind Kind => kind;

    public string Name => content.Metadata!.Name!;

    public (WorkloadKind Kind, string Name) Key => (kind, Name);

    /// <summary>As people write it.</summary>
    public string Title => $"{kind.Name} {Name}";

    /// <summary>The step of its rollout.</summary>
    public string Step => $"image/{kind.Name.ToLowerInvariant()}/{Name}";

    /// <summary>Selects its pods.</summary>
    public string PodSelector
    {
        get
        {
            var selector = content.Spec?.Selector;
            return string.Join(',', (selector?.MatchLabels ?? NoLabels).Select(label => $"{label.Key}={label.Value}")
                .Concat((selector?.MatchExpressions ?? []).Select(rule => rule.Operator switch
                {
                    "Exists" => rule.Key,
                    "DoesNotExist" => "!" + rule.Key,
                    _ => $"{rule.Key} {(rule.Operator == "In" ? "in" : "notin")} ({string.Join(',', rule.Values ?? [])})",
                })));
        }
    }

    /// <summary>Whether it waits for a pod that never gets ready instead of replacing it, also when it goes back.</summary>
    public bool KeepsBrokenPods => kind == WorkloadKind.StatefulSet && content.Spec?.UpdateStrategy?.Type != "OnDelete";

    /// <summary>Whether the cluster has seen what it is set to now.</summary>
    public bool IsNoticed => (content.Status?.ObservedGeneration ?? 0) >= (content.Metadata?.Generation ?? 0);

    /// <summary>What it ran before an agent set an image; null when it is not known.</summary>
    public RolloutRecord? Record
    {
        get
        {
            try
            {
                return content.Metadata?.Annotations?.GetValueOrDefault(RecordAnnotation) is { } text
                    ? JsonSerializer.Deserialize(text, KubernetesJson.Default.RolloutRecord) is { Image: not null, Before: not null } record ? record : null
                    : null;
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }

    /// <summary>Tells a deadline that was missed before from one that is missed now; null when none is.</summary>
    public string? MissedDeadline => Deadline()?.LastUpdateTime;

    /// <summary>
    /// The containers whose image is to be set: those that are named; without names the main container and all that run an image of the
    /// same repository, as init containers and sidecars of Airflow do. A sidecar with an image of its own keeps it.
    /// </summary>
    public IReadOnlyList<ContainerSpec> Choose(IReadOnlyList<string> names)
    {
        if (names.Count > 0)
            return [.. _init.Concat(_regular).Where(container => container.Image is not null && names.Contains(container.Name, StringComparer.Ordinal))];
        var named = content.Spec?.Template?.Metadata?.Annotations?.GetValueOrDefault(MainAnnotation);
        var main = _regular.FirstOrDefault(container => container.Name == named) ?? (_regular.Count > 0 ? _regular[0] : null);
        return main?.Image is null ? [] : [.. _init.Concat(_regular).Where(container =>
            container.Image is { } image && ImageName.Repository(image) == ImageName.Repository(main.Image))];
    }

    /// <summary>Whether all of some containers have an image.</summary>
    public bool Runs(IEnumerable<string> containers, string image) => containers.All(name => ImageOf(name) is { } has && ImageName.IsSame(has, image));

    /// <summary>Image of a container; null when there is none of the name.</summary>
    public string? ImageOf(string container) => _init.Concat(_regular).FirstOrDefault(candidate => candidate.Name == container)?.Image;

    /// <summary>Sets images and what is to be remembered, if nobody has changed anything since.</summary>
    /// <param name="images">The new image of each container, by its name.</param>
    /// <param name="record">Null to forget.</param>
    /// <param name="cause">What <c>kubectl rollout history</c> says about it.</param>
    public WorkloadObject Set(IReadOnlyDictionary<string, string> images, RolloutRecord? record, string cause) => new()
    {
        Metadata = new ObjectMetadata
        {
            ResourceVersion = content.Metadata!.ResourceVersion,
            Annotations = new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                [RecordAnnotation] = record is null ? null : JsonSerializer.Serialize(record, KubernetesJson.Default.RolloutRecord),
                [ChangeCause] = cause,
            },
        },
        Spec = new WorkloadSpec
        {
            Template = new PodTemplate { Spec = new PodSpec { InitContainers = Pick(_init, images), Containers = Pick(_regular, images) } },
        },
    };

    /// <summary>Forgets what ran before, whatever else was changed.</summary>
    public static WorkloadObject Forget() => new()
    {
        Metadata = new ObjectMetadata { Annotations = new Dictionary<string, string?>(StringComparer.Ordinal) { [RecordAnnotation] = null } },
    };

    /// <summary>How far its rollout is.</summary>
    /// <param name="missedBefore">Its <see cref="MissedDeadline"/> before it was changed: the cluster may say it still.</param>
    public RolloutProgress Progress(string? missedBefore)
    {
        var (wanted, status) = (content.Spec?.Replicas ?? 1, content.Status ?? new WorkloadStatus());
        if (!IsNoticed)
            return new(RolloutState.Going, "the cluster has not begun");
        return kind == WorkloadKind.StatefulSet ? OfStatefulSet(wanted, status) : OfDeployment(wanted, status, missedBefore);
    }

    private RolloutProgress OfDeployment(int wanted, WorkloadStatus status, string? missedBefore)
    {
        var (updated, available) = (status.UpdatedReplicas ?? 0, status.AvailableReplicas ?? 0);
        if (content.Spec?.Paused == true)
            return new(RolloutState.Done, "it is paused, and takes the image when it is resumed");
        if (Deadline() is { } deadline && (missedBefore is null || deadline.LastUpdateTime != missedBefore))
            return new(RolloutState.Stuck, $"the cluster gave it up after its progressDeadlineSeconds: {deadline.Message}");
        if (updated < wanted)
            return new(RolloutState.Going, $"{updated} of {wanted} replicas updated");
        if (status.Replicas > updated)
            return new(RolloutState.Going, $"{updated} of {wanted} replicas updated, {status.Replicas - updated} old ones end");
        return available < updated
            ? new(RolloutState.Going, $"{updated} of {wanted} replicas updated, {available} available")
            : new(RolloutState.Done, $"{updated} of {wanted} replicas updated and available");
    }

    private RolloutProgress OfStatefulSet(int wanted, WorkloadStatus status)
    {
        var (updated, ready) = (status.UpdatedReplicas ?? 0, status.ReadyReplicas ?? 0);
        if (content.Spec?.UpdateStrategy?.Type == "OnDelete")
            return new(RolloutState.Done, "its pods take the image when they are deleted (updateStrategy OnDelete), so they are not waited for");
        if (wanted == 0)
            return new(RolloutState.Done, "0 of 0 replicas updated and ready");
        if (content.Spec?.UpdateStrategy?.RollingUpdate?.Partition is > 0 and var partition)
        {
            var due = Math.Max(wanted - partition, 0);
            return updated < due
                ? new(RolloutState.Going, $"{updated} of {due} replicas updated")
                : new(RolloutState.Done, $"{updated} of {wanted} replicas updated, pods below {partition} keep their image (partition)");
        }
        if (updated < wanted || status.CurrentRevision != status.UpdateRevision)
            return new(RolloutState.Going, $"{updated} of {wanted} replicas updated");
        return ready < wanted
            ? new(RolloutState.Going, $"{updated} of {wanted} replicas updated, {ready} ready")
            : new(RolloutState.Done, $"{updated} of {wanted} replicas updated and ready");
    }

    /// <summary>Null rather than empty: an empty list says nothing in a patch, but looks as if it did.</summary>
    private static List<ContainerSpec>? Pick(IReadOnlyList<ContainerSpec> containers, IReadOnlyDictionary<string, string> images) =>
        containers.Where(container => images.ContainsKey(container.Name))
            .Select(container => container with { Image = images[container.Name] }).ToList() is { Count: > 0 } picked ? picked : null;

    private Condition? Deadline() => content.Status?.Conditions?.FirstOrDefault(condition =>
        condition is { Type: "Progressing", Status: "False", Reason: "ProgressDeadlineExceeded" });
}

/// <summary>Images as a cluster writes them.</summary>
internal static class ImageName
{
    /// <summary>By digest when there is one: a tag may be moved.</summary>
    public static string Of(ImageReference image) =>
        image.Digest is null ? $"{image.Repository}:{image.Tag}" : $"{image.Repository}@{image.Digest}";

    /// <summary>Without tag and digest.</summary>
    public static string Repository(string image)
    {
        var name = image.Split('@')[0];
        var colon = name.LastIndexOf(':');
        // A colon before the last slash belongs to the registry's port.
        return colon > name.LastIndexOf('/') ? name[..colon] : name;
    }

    /// <summary>The same, or the same repository and digest with a tag between them.</summary>
    public static bool IsSame(string one, string other) => one == other
        || (one.Contains('@') && other.Contains('@') && Repository(one) == Repository(other) && one.Split('@')[1] == other.Split('@')[1]);
}
