using System.Text.Json;

namespace Updraft.Agent.Images;

// The parts of pods and events that the driver reads.

/// <summary>A container in a pod or a pod template.</summary>
internal sealed record ContainerSpec(string Name, string? Image);

/// <summary>A reason why a pod does not become ready.</summary>
/// <param name="Key">Identity of the reason, without counters, so that it is reported once.</param>
/// <param name="Text">Text for users.</param>
internal sealed record PodProblem(string Key, string Text);

/// <summary>A pod with the reasons why it is not ready.</summary>
internal sealed record PodState(
    string Name, string? Uid, bool IsReady, IReadOnlyList<ContainerSpec> Containers, IReadOnlyList<PodProblem> Problems)
{
    public static PodState Read(JsonElement pod)
    {
        var (podProblems, isReady) = (new List<PodProblem>(), false);
        foreach (var container in pod.Items("status", "initContainerStatuses").Concat(pod.Items("status", "containerStatuses")))
        {
            // Each pod starts with these two reasons.
            if (container.Text("state", "waiting", "reason") is { } reason and not ("ContainerCreating" or "PodInitializing"))
            {
                var name = container.Text("name");
                podProblems.Add(new($"{name} {reason}", $"{name}: {reason}: {container.Text("state", "waiting", "message")}"));
            }
        }
        foreach (var condition in pod.Items("status", "conditions"))
        {
            var isTrue = condition.Text("status") == "True";
            isReady |= isTrue && condition.Text("type") == "Ready";
            if (!isTrue && condition.Text("type") == "PodScheduled")
                podProblems.Add(new($"{condition.Text("message")}", $"{condition.Text("reason")}: {condition.Text("message")}"));
        }
        return new PodState(pod.Text("metadata", "name")!, pod.Text("metadata", "uid"), isReady, pod.Containers("spec", "containers"),
            podProblems);
    }
}

/// <summary>A warning event of a pod.</summary>
internal sealed record PodWarning(string? PodUid, string? Reason, string? Message);

/// <summary>Earlier images of a workload, in an annotation of it. So an agent can restore them even after a restart.</summary>
/// <param name="Image">Image that the agent set.</param>
/// <param name="Before">Earlier image of each changed container, by the name of the container.</param>
internal sealed record RolloutRecord(string Image, IReadOnlyDictionary<string, string> Before)
{
    /// <returns>Null for a text that no agent has written.</returns>
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
