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
internal sealed class Workload(WorkloadKind kind, JsonElement content)
{
    private const string RecordAnnotation = "updraft.io/image-rollout", MainAnnotation = "kubectl.kubernetes.io/default-container",
        ChangeCause = "kubernetes.io/change-cause";

    private readonly List<ContainerSpec> _init = content.Containers("spec", "template", "spec", "initContainers");
    private readonly List<ContainerSpec> _regular = content.Containers("spec", "template", "spec", "containers");

    public WorkloadKind Kind => kind;

    public string Name => content.Text("metadata", "name") ?? "";

    /// <summary>Its version in the cluster.</summary>
    public string Version => content.Text("metadata", "resourceVersion") ?? "";

    /// <summary>As people write it.</summary>
    public string Title => $"{kind.Name} {Name}";

    /// <summary>The step of its rollout.</summary>
    public string Step => $"image/{kind.Name.ToLowerInvariant()}/{Name}";

    /// <summary>Selects its pods.</summary>
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

    /// <summary>Whether it waits for a pod that never gets ready instead of replacing it, also when it goes back.</summary>
    public bool KeepsBrokenPods => kind == WorkloadKind.StatefulSet && content.Text("spec", "updateStrategy", "type") != "OnDelete";

    /// <summary>Whether the cluster has seen what it is set to now.</summary>
    public bool IsNoticed => Status("observedGeneration") >= (content.Number("metadata", "generation") ?? 0);

    /// <summary>What it ran before an agent set an image; null when it is not known.</summary>
    public RolloutRecord? Record => content.Text("metadata", "annotations", RecordAnnotation) is { } text ? RolloutRecord.Read(text) : null;

    /// <summary>Tells a deadline that was missed before from one that is missed now; null when none is.</summary>
    public string? MissedDeadline => Deadline()?.Text("lastUpdateTime");

    /// <summary>
    /// The containers whose image is to be set: those that are named; without names the main container and all that run an image of the
    /// same repository, as init containers and sidecars of Airflow do. A sidecar with an image of its own keeps it.
    /// </summary>
    public IReadOnlyList<ContainerSpec> Choose(IReadOnlyList<string> names)
    {
        if (names.Count > 0)
            return [.. _init.Concat(_regular).Where(container => container.Image is not null && names.Contains(container.Name, StringComparer.Ordinal))];
        var named = content.Text("spec", "template", "metadata", "annotations", MainAnnotation);
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
    /// <returns>A strategic merge patch.</returns>
    public string Set(IReadOnlyDictionary<string, string> images, RolloutRecord? record, string cause) => KubernetesJson.Write(json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteString("resourceVersion", Version);
        json.WriteStartObject("annotations");
        // Null removes it.
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

    /// <summary>A patch that forgets what ran before, whatever else was changed.</summary>
    public static string Forget() => KubernetesJson.Write(json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteStartObject("annotations");
        json.WriteNull(RecordAnnotation);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary>How far its rollout is.</summary>
    /// <param name="missedBefore">Its <see cref="MissedDeadline"/> before it was changed: the cluster may say it still.</param>
    public RolloutProgress Progress(string? missedBefore)
    {
        var wanted = content.Number("spec", "replicas") ?? 1;
        if (!IsNoticed)
            return new(RolloutState.Going, "the cluster has not begun");
        return kind == WorkloadKind.StatefulSet ? OfStatefulSet(wanted) : OfDeployment(wanted, missedBefore);
    }

    private RolloutProgress OfDeployment(int wanted, string? missedBefore)
    {
        var (updated, available, replicas) = (Status("updatedReplicas"), Status("availableReplicas"), Status("replicas"));
        if (content.At("spec", "paused") is { ValueKind: JsonValueKind.True })
            return new(RolloutState.Done, "it is paused, and takes the image when it is resumed");
        if (Deadline() is { } deadline && (missedBefore is null || deadline.Text("lastUpdateTime") != missedBefore))
            return new(RolloutState.Stuck, $"the cluster gave it up after its progressDeadlineSeconds: {deadline.Text("message")}");
        if (updated < wanted)
            return new(RolloutState.Going, $"{updated} of {wanted} replicas updated");
        if (replicas > updated)
            return new(RolloutState.Going, $"{updated} of {wanted} replicas updated, {replicas - updated} old ones end");
        return available < updated
            ? new(RolloutState.Going, $"{updated} of {wanted} replicas updated, {available} available")
            : new(RolloutState.Done, $"{updated} of {wanted} replicas updated and available");
    }

    private RolloutProgress OfStatefulSet(int wanted)
    {
        var (updated, ready) = (Status("updatedReplicas"), Status("readyReplicas"));
        if (content.Text("spec", "updateStrategy", "type") == "OnDelete")
            return new(RolloutState.Done, "its pods take the image when they are deleted (updateStrategy OnDelete), so they are not waited for");
        if (wanted == 0)
            return new(RolloutState.Done, "0 of 0 replicas updated and ready");
        if (content.Number("spec", "updateStrategy", "rollingUpdate", "partition") is > 0 and var partition)
        {
            var due = Math.Max(wanted - partition, 0);
            return updated < due
                ? new(RolloutState.Going, $"{updated} of {due} replicas updated")
                : new(RolloutState.Done, $"{updated} of {wanted} replicas updated, pods below {partition} keep their image (partition)");
        }
        if (updated < wanted || content.Text("status", "currentRevision") != content.Text("status", "updateRevision"))
            return new(RolloutState.Going, $"{updated} of {wanted} replicas updated");
        return ready < wanted
            ? new(RolloutState.Going, $"{updated} of {wanted} replicas updated, {ready} ready")
            : new(RolloutState.Done, $"{updated} of {wanted} replicas updated and ready");
    }

    private int Status(string number) => content.Number("status", number) ?? 0;

    private JsonElement? Deadline()
    {
        foreach (var condition in content.Items("status", "conditions"))
        {
            if (condition.Text("type") == "Progressing" && condition.Text("status") == "False" && condition.Text("reason") == "ProgressDeadlineExceeded")
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
