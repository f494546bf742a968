using System.Text.Json;

namespace Updraft.Agent.Images;

// What the driver reads of pods and events: everything else is left out.

/// <summary>A container as a pod template or a pod names it.</summary>
internal sealed record ContainerSpec(string Name, string? Image);

/// <summary>A reason why a pod does not get ready.</summary>
/// <param name="Key">Tells it from other reasons; what counts up in a text is not part of it.</param>
/// <param name="Text">For people.</param>
internal sealed record PodTrouble(string Key, string Text);

/// <summary>A pod.</summary>
internal sealed record PodState(string Name, string? Uid, bool IsReady, IReadOnlyList<ContainerSpec> Containers, IReadOnlyList<PodTrouble> Troubles)
{
    public static PodState Read(JsonElement pod)
    {
        var (troubles, isReady) = (new List<PodTrouble>(), false);
        foreach (var container in pod.Items("status", "initContainerStatuses").Concat(pod.Items("status", "containerStatuses")))
        {
            // These two are how every pod begins.
            if (container.Text("state", "waiting", "reason") is { } reason and not ("ContainerCreating" or "PodInitializing"))
            {
                var name = container.Text("name");
                troubles.Add(new($"{name} {reason}", $"{name}: {reason}: {container.Text("state", "waiting", "message")}"));
            }
        }
        foreach (var condition in pod.Items("status", "conditions"))
        {
            var isTrue = condition.Text("status") == "True";
            isReady |= isTrue && condition.Text("type") == "Ready";
            if (!isTrue && condition.Text("type") == "PodScheduled")
                troubles.Add(new($"{condition.Text("message")}", $"{condition.Text("reason")}: {condition.Text("message")}"));
        }
        return new PodState(pod.Text("metadata", "name")!, pod.Text("metadata", "uid"), isReady, pod.Containers("spec", "containers"), troubles);
    }
}

/// <summary>An event that is a warning about a pod.</summary>
internal sealed record PodWarning(string? PodUid, string? Reason, string? Message);

/// <summary>What a workload ran before: kept at the workload, so that it can be undone also by an agent that was restarted meanwhile.</summary>
/// <param name="Image">What it was set to.</param>
/// <param name="Before">Image of each container that was set, by the container's name.</param>
internal sealed record RolloutRecord(string Image, IReadOnlyDictionary<string, string> Before)
{
    /// <returns>Null for what no agent has written.</returns>
    public static RolloutRecord? Read(string text)
    {
        try
        {
            var (json, before) = (JsonElement.Parse(text), new Dictionary<string, string>(StringComparer.Ordinal));
            if (json.Text("image") is not { } image || json.At("before") is not { ValueKind: JsonValueKind.Object } images)
                return null;
            foreach (var container in images.EnumerateObject())
                before[container.Name] = container.Value.GetString() ?? "";
            return new RolloutRecord(image, before);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    public override string ToString() => KubernetesJson.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("image", Image);
        json.WriteStartObject("before");
        foreach (var (name, image) in Before)
            json.WriteString(name, image);
        json.WriteEndObject();
        json.WriteEndObject();
    });
}
