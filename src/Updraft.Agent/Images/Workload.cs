using System.Text.Json;
using Updraft.Protocol;

namespace Updraft.Agent.Images;

/// <summary>State of the rollout of a workload.</summary>
internal enum RolloutState
{
    InProgress,
    Done,
    Failed,
}

/// <summary>Progress of the rollout of a workload, with a text for users.</summary>
internal sealed record RolloutProgress(RolloutState State, string Text);

/// <summary>A Deployment or StatefulSet, as the cluster returned it last.</summary>
internal sealed class Workload(WorkloadKind kind, JsonElement content)
{
    private const string RecordAnnotation = "updraft.io/image-rollout", MainAnnotation = "kubectl.kubernetes.io/default-container",
        ChangeCause = "kubernetes.io/change-cause";

    private readonly List<ContainerSpec> _init = content.Containers("spec", "template", "spec", "initContainers");
    private readonly List<ContainerSpec> _regular = content.Containers("spec", "template", "spec", "containers");

    public WorkloadKind Kind => kind;

    public string Name => content.Text("metadata", "name") ?? "";

    /// <summary>Resource version of the object.</summary>
    public string Version => content.Text("metadata", "resourceVersion") ?? "";

    /// <summary>Kind and name, for users.</summary>
    public string Title => $"{kind.Name} {Name}";

    /// <summary>Name of the step in reports.</summary>
    public string Step => $"image/{kind.Name.ToLowerInvariant()}/{Name}";

    /// <summary>Label selector of the pods.</summary>
    public string PodSelector
    {
        get
        {
            var rules = new List<string>();
            if (content.At("spec", "selector", "matchLabels") is { ValueKind: JsonValueKind.Object } labels)
            {
                foreach (var label in labels.EnumerateObject())
                    rules.Add($"{label.Name}={label.Value}");
            }
            foreach (var rule in content.Items("spec", "selector", "matchExpressions"))
            {
                var (key, values) = (rule.Text("key"), string.Join(',', rule.Items("values")));
                rules.Add(rule.Text("operator") switch
                {
                    "Exists" => $"{key}",
                    "DoesNotExist" => $"!{key}",
                    "In" => $"{key} in ({values})",
                    _ => $"{key} notin ({values})",
                });
            }
            return string.Join(',', rules);
        }
    }

    /// <summary>Whether the cluster waits for a pod that never becomes ready instead of replacing it, even during a restore.</summary>
    public bool WaitsForFailedPods => kind == WorkloadKind.StatefulSet && content.Text("spec", "updateStrategy", "type") != "OnDelete";

    /// <summary>Whether the status already applies to the newest change of the spec.</summary>
    public bool IsObserved => Status("observedGeneration") >= (content.Number("metadata", "generation") ?? 0);

    /// <summary>Earlier images, which an agent stored in the annotation; null for none.</summary>
    public RolloutRecord? Record => content.Text("metadata", "annotations", RecordAnnotation) is { } text ? RolloutRecord.Read(text) : null;

    /// <summary>
    /// Time at which the progress deadline was exceeded, which distinguishes an earlier miss from a new one; null if it was not.
    /// </summary>
    public string? MissedDeadline => Deadline()?.Text("lastUpdateTime");

    /// <summary>
    /// Containers that get the image: those with the given names. Without names, the main container and all with an image of its
    /// repository, such as init containers and sidecars of Airflow. A sidecar with another image keeps it.
    /// </summary>
    public IReadOnlyList<ContainerSpec> Choose(IReadOnlyList<string> names)
    {
        if (names.Count > 0)
            return [.. _init.Concat(_regular)
                .Where(container => container.Image is not null && names.Contains(container.Name, StringComparer.Ordinal))];
        var named = content.Text("spec", "template", "metadata", "annotations", MainAnnotation);
        var main = _regular.FirstOrDefault(container => container.Name == named) ?? (_regular.Count > 0 ? _regular[0] : null);
        return main?.Image is null ? [] : [.. _init.Concat(_regular).Where(container =>
            container.Image is { } image && ImageName.Repository(image) == ImageName.Repository(main.Image))];
    }

    /// <summary>Whether all given containers have an image.</summary>
    public bool HasImage(IEnumerable<string> containers, string image) =>
        containers.All(name => ImageOf(name) is { } has && ImageName.IsSame(has, image));

    /// <summary>Image of a container; null if there is no container of the name.</summary>
    public string? ImageOf(string container) => _init.Concat(_regular).FirstOrDefault(candidate => candidate.Name == container)?.Image;

    /// <summary>
    /// Creates a strategic merge patch that sets images and the record, and that requires the current resource version.
    /// </summary>
    /// <param name="images">New image of each container, by the name of the container.</param>
    /// <param name="record">Earlier images; null removes the annotation.</param>
    /// <param name="cause">Text for <c>kubectl rollout history</c>.</param>
    public string CreatePatch(IReadOnlyDictionary<string, string> images, RolloutRecord? record, string cause) =>
        KubernetesJson.Write(json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteString("resourceVersion", Version);
        json.WriteStartObject("annotations");
        // Null removes the annotation.
        json.WriteString(RecordAnnotation, record?.ToString());
        json.WriteString(ChangeCause, cause);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartObject("spec");
        json.WriteStartObject("template");
        json.WriteStartObject("spec");
        Write(json, "initContainers", _init, images);
        Write(json, "containers", _regular, images);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary>Creates a patch that removes the record. It is valid for any resource version.</summary>
    public static string CreateRecordRemoval() => KubernetesJson.Write(json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteStartObject("annotations");
        json.WriteNull(RecordAnnotation);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary>Progress of the rollout.</summary>
    /// <param name="missedBefore">The <see cref="MissedDeadline"/> before the change, which the cluster may still return.</param>
    public RolloutProgress Progress(string? missedBefore)
    {
        var wanted = content.Number("spec", "replicas") ?? 1;
        if (!IsObserved)
            return new(RolloutState.InProgress, "the cluster has not started the rollout");
        return kind == WorkloadKind.StatefulSet ? OfStatefulSet(wanted) : OfDeployment(wanted, missedBefore);
    }

    private RolloutProgress OfDeployment(int wanted, string? missedBefore)
    {
        var (updated, available, replicas) = (Status("updatedReplicas"), Status("availableReplicas"), Status("replicas"));
        if (content.At("spec", "paused") is { ValueKind: JsonValueKind.True })
            return new(RolloutState.Done, "it is paused, and gets the image when it is resumed");
        if (Deadline() is { } deadline && (missedBefore is null || deadline.Text("lastUpdateTime") != missedBefore))
            return new(RolloutState.Failed, $"the rollout exceeded its progressDeadlineSeconds: {deadline.Text("message")}");
        if (updated < wanted)
            return new(RolloutState.InProgress, $"{updated} of {wanted} replicas updated");
        if (replicas > updated)
            return new(RolloutState.InProgress, $"{updated} of {wanted} replicas updated, {replicas - updated} old replicas stop");
        return available < updated
            ? new(RolloutState.InProgress, $"{updated} of {wanted} replicas updated, {available} available")
            : new(RolloutState.Done, $"{updated} of {wanted} replicas updated and available");
    }

    private RolloutProgress OfStatefulSet(int wanted)
    {
        var (updated, ready) = (Status("updatedReplicas"), Status("readyReplicas"));
        if (content.Text("spec", "updateStrategy", "type") == "OnDelete")
            return new(RolloutState.Done,
                "its pods get the image when they are deleted (updateStrategy OnDelete), so the agent does not wait for them");
        if (wanted == 0)
            return new(RolloutState.Done, "0 of 0 replicas updated and ready");
        if (content.Number("spec", "updateStrategy", "rollingUpdate", "partition") is > 0 and var partition)
        {
            var due = Math.Max(wanted - partition, 0);
            return updated < due
                ? new(RolloutState.InProgress, $"{updated} of {due} replicas updated")
                : new(RolloutState.Done, $"{updated} of {wanted} replicas updated, pods below {partition} keep their image (partition)");
        }
        if (updated < wanted || content.Text("status", "currentRevision") != content.Text("status", "updateRevision"))
            return new(RolloutState.InProgress, $"{updated} of {wanted} replicas updated");
        return ready < wanted
            ? new(RolloutState.InProgress, $"{updated} of {wanted} replicas updated, {ready} ready")
            : new(RolloutState.Done, $"{updated} of {wanted} replicas updated and ready");
    }

    private int Status(string number) => content.Number("status", number) ?? 0;

    private JsonElement? Deadline()
    {
        foreach (var condition in content.Items("status", "conditions"))
        {
            if (condition.Text("type") == "Progressing" && condition.Text("status") == "False"
                && condition.Text("reason") == "ProgressDeadlineExceeded")
                return condition;
        }
        return null;
    }

    private static void Write(Utf8JsonWriter json, string list, List<ContainerSpec> containers, IReadOnlyDictionary<string, string> images)
    {
        var chosen = containers.Where(container => images.ContainsKey(container.Name)).ToList();
        if (chosen.Count == 0)
            return;
        json.WriteStartArray(list);
        foreach (var container in chosen)
        {
            json.WriteStartObject();
            json.WriteString("name", container.Name);
            json.WriteString("image", images[container.Name]);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}

/// <summary>Image references in the form of Kubernetes.</summary>
internal static class ImageName
{
    /// <summary>Reference with the digest if there is one, because a tag can move.</summary>
    public static string Of(ImageReference image) =>
        image.Digest is null ? $"{image.Repository}:{image.Tag}" : $"{image.Repository}@{image.Digest}";

    /// <summary>Reference without tag and digest.</summary>
    public static string Repository(string image)
    {
        var name = image.Split('@')[0];
        var colon = name.LastIndexOf(':');
        // A colon before the last slash belongs to the registry's port.
        return colon > name.LastIndexOf('/') ? name[..colon] : name;
    }

    /// <summary>Whether two references are equal, or have equal repositories and digests.</summary>
    public static bool IsSame(string one, string other) => one == other
        || (one.Contains('@') && other.Contains('@') && Repository(one) == Repository(other) && one.Split('@')[1] == other.Split('@')[1]);
}
